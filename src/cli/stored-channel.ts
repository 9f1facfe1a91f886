import { type Channel, type ChannelSpec, type Millrace, MillraceError, bytes, hasCode } from "../index.js";
import { suggestion } from "./similar.js";

/**
 * A channel as it is stored: the command line knows nothing of it but its name, and must not change its settings by
 * declaring it anew. Payloads are bytes. Rejects with CHANNEL_UNKNOWN, which names what may have been meant.
 */
export function storedChannel(mill: Millrace, name: string): Promise<Channel<Uint8Array>> {
  return suggesting(mill, name, () => mill.admin.channel(name, bytes));
}

/** Rejects when there is no such channel. */
export function requireChannel(mill: Millrace, name: string): Promise<ChannelSpec> {
  return suggesting(mill, name, () => mill.admin.describe(name));
}

async function suggesting<T>(mill: Millrace, name: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!hasCode(error, "CHANNEL_UNKNOWN")) throw error;
    const names = (await mill.admin.channels()).map((each) => each.name);
    const meant = suggestion(name, names) || ' "millrace channels" lists what there is.';
    throw new MillraceError("CHANNEL_UNKNOWN", `there is no channel ${name}.${meant}`, { cause: error });
  }
}

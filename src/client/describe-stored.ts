import { MillraceError } from "../base/errors.js";
import type { ChannelSpec, DriverAdmin } from "../driver.js";

/** The settings of a channel as they are stored. Rejects with CHANNEL_UNKNOWN. */
export async function describeStored(admin: DriverAdmin, name: string): Promise<ChannelSpec> {
  const spec = await admin.describe(name);
  if (spec !== undefined) return spec;
  throw new MillraceError("CHANNEL_UNKNOWN", `there is no channel "${name}"; admin.channels() lists what there is`);
}

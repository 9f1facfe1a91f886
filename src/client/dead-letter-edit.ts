import { MillraceError } from "../base/errors.js";
import type { OutgoingMessage } from "../driver.js";
import type { Channel } from "./channel.js";
import { checkOptions, shown } from "./checks.js";
import { redrivenHeaders } from "./dead-letter-headers.js";
import type { DeadEdit } from "./dead-letters.js";
import { encodedBytes } from "./outgoing.js";
import { checkedBy } from "./schema.js";
import { checkHeaders } from "./send-options.js";

const known = new Set(["value", "key", "headers"]);
const traces = new Set<string>(Object.values(redrivenHeaders));

/** What values of the channel must be, and how they are written. */
export type Payload<T> = Pick<Channel<T>, "codec" | "schema">;

/**
 * A redriven message with what was changed about it; the trace of its past stays whatever was said.
 * Rejects with TypeError or PAYLOAD_INVALID when it cannot be sent so, PAYLOAD_TOO_LARGE when there is too much of it.
 */
export async function edited<T>(
  message: OutgoingMessage,
  edit: DeadEdit<T> | undefined,
  to: { readonly payload: Payload<T>; readonly messageBytesMax: number },
): Promise<OutgoingMessage> {
  if (edit === undefined) return message;
  checkOptions(edit, known, "dead.redrive: what edit returned");
  const { key = message.key, headers } = edit;
  if (key !== undefined && typeof key !== "string")
    throw new TypeError(`dead.redrive: an edited key must be a string, not ${shown(key)}`);
  if (headers !== undefined) checkHeaders(headers, "dead.redrive: edit");
  const changed: OutgoingMessage = {
    ...message,
    key,
    value: edit.value === undefined ? message.value : await encoded(edit.value, to.payload),
    headers: headers === undefined ? message.headers : { ...headers, ...traceOf(message) },
  };
  const bytes = encodedBytes(changed);
  if (bytes <= to.messageBytesMax) return changed;
  throw new MillraceError("PAYLOAD_TOO_LARGE", `dead.redrive: an edited message has ${bytes} bytes, over what it may`);
}

async function encoded<T>(value: T, { codec, schema }: Payload<T>): Promise<Uint8Array | string> {
  const checked = schema === undefined ? value : await checkedBy(schema, value);
  try {
    return codec.encode(checked);
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    const text = `dead.redrive: the codec "${codec.name}" could not encode the edited value: ${String(cause)}`;
    throw new MillraceError("PAYLOAD_INVALID", text, { cause });
  }
}

function traceOf({ headers }: OutgoingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => traces.has(name)));
}

import { Buffer } from "node:buffer";
import { MillraceError } from "../base/errors.js";
import type { Content, OutgoingMessage } from "../driver.js";
import type { Channel } from "./channel.js";
import { shown } from "./checks.js";
import { checkId } from "./send-options.js";
import type { CompleteSendOptions } from "./send-options.js";

/** Turns the values of one channel into messages for the driver. Knows nothing of schemas: it gets checked values. */
export class Encoder<T> {
  readonly #channel: Channel<T>;
  readonly #messageBytesMax: number;

  constructor(channel: Channel<T>, messageBytesMax: number) {
    this.#channel = channel;
    this.#messageBytesMax = messageBytesMax;
  }

  /** @throws MillraceError PAYLOAD_INVALID, PAYLOAD_TOO_LARGE; TypeError when `key` or `id` of the channel return no string. */
  encode(value: T): OutgoingMessage {
    const { key, id } = this.#channel;
    const message: OutgoingMessage = {
      value: this.#content(value),
      key: key === undefined ? undefined : this.#checkedKey(key(value)),
      id: id === undefined ? undefined : this.#checkedId(id(value)),
      headers: undefined,
    };
    if (value === undefined) this.#refuseKeyless(message);
    this.#checkSize(message);
    return message;
  }

  /** The same, where options were given: they go before what the channel says. */
  encodeWith(value: T, options: CompleteSendOptions): OutgoingMessage {
    const { key, id } = this.#channel;
    const message: OutgoingMessage = {
      value: this.#content(value),
      key: options.key ?? this.#checkedKey(key?.(value)),
      id: options.id ?? this.#checkedId(id?.(value)),
      headers: options.headers,
      ...options.schedule,
    };
    if (value === undefined) this.#refuseKeyless(message);
    this.#checkSize(message);
    return message;
  }

  #content(value: T): Content {
    try {
      return this.#channel.codec.encode(value);
    } catch (cause) {
      if (cause instanceof MillraceError)
        throw new MillraceError(cause.code, `${this.#what}: ${cause.message}`, { cause });
      const message = `${this.#what}: the codec "${this.#channel.codec.name}" could not encode the value: ${String(cause)}`;
      throw new MillraceError("PAYLOAD_INVALID", message, { cause });
    }
  }

  /** Of a compacted stream: a deletion of nothing. */
  #refuseKeyless({ key }: OutgoingMessage): void {
    if (key !== undefined || !this.#channel.spec.compact) return;
    throw new TypeError(
      `${this.#what}: undefined deletes a key, so say which: send(channel, undefined, { key }). Without a key it would delete nothing`,
    );
  }

  #checkedKey(key: string | undefined): string | undefined {
    if (key === undefined || typeof key === "string") return key;
    throw new TypeError(
      `${this.#what}: the channel's key function must return a string or undefined, not ${shown(key)}`,
    );
  }

  #checkedId(id: string | undefined): string | undefined {
    if (id !== undefined) checkId(id, `${this.#what}: what the channel's id function returned`);
    return id;
  }

  /** Counts bytes only where the length of the text leaves a doubt: a character of it has at most three. */
  #checkSize(message: OutgoingMessage): void {
    const { value, key, headers } = message;
    const most = typeof value === "string" ? value.length * 3 : value.byteLength;
    const keyMost = key === undefined ? 0 : key.length * 3;
    if (headers === undefined && most + keyMost <= this.#messageBytesMax) return;
    if (typeof value !== "string" && !(value instanceof Uint8Array)) {
      throw new TypeError(
        `${this.#what}: the codec "${this.#channel.codec.name}" must encode to a string or a Uint8Array, not ${shown(value)}`,
      );
    }
    const bytes = encodedBytes(message);
    if (bytes <= this.#messageBytesMax) return;
    throw new MillraceError(
      "PAYLOAD_TOO_LARGE",
      `${this.#what}: the message has ${bytes} bytes with its key and headers, over the ${this.#messageBytesMax} it may have; ` +
        "store large contents elsewhere and send where they are, or raise limits.messageBytesMax at open",
    );
  }

  get #what(): string {
    return `${this.#channel.kind} "${this.#channel.name}"`;
  }
}

/** Key, value and headers of a message, as UTF-8. */
export function encodedBytes(message: Pick<OutgoingMessage, "value" | "key" | "headers">): number {
  let bytes = Buffer.byteLength(message.value) + Buffer.byteLength(message.key ?? "");
  for (const [name, value] of Object.entries(message.headers ?? {}))
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes;
}

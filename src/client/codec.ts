import { Buffer } from "node:buffer";
import { MillraceError } from "../base/errors.js";

/** How a channel's values become bytes, and become values again. */
export interface Codec<T> {
  /** Shown in messages and tools, e.g. "json". */
  readonly name: string;
  /** A text is stored as UTF-8. Bytes must not be changed until the send has resolved. */
  encode(value: T): Uint8Array | string;
  /** Must not keep or write to `bytes`: they are reused. Throws when they are not of this codec. */
  decode(bytes: Uint8Array): T;
}

/** @throws TypeError that names `what` when `codec` is none. */
export function checkCodec(codec: unknown, what: string): void {
  const { encode, decode } = (typeof codec === "object" && codec !== null ? codec : {}) as Partial<Codec<unknown>>;
  if (typeof encode === "function" && typeof decode === "function") return;
  throw new TypeError(`${what} must have encode and decode, such as json, text or bytes`);
}

/**
 * The default: any JSON value, as `JSON.stringify` writes it.
 * What JSON has no word for is refused at the top (undefined, functions, symbols) and anywhere (BigInt, cycles);
 * inside objects, `JSON.stringify` leaves out undefined and functions, and writes NaN as null: a schema catches that.
 */
export const json: Codec<unknown> = {
  name: "json",
  encode(value) {
    let written: string | undefined;
    try {
      written = JSON.stringify(value) as string | undefined;
    } catch (cause) {
      throw new MillraceError("PAYLOAD_INVALID", `the value cannot be written as JSON: ${messageOf(cause)}`, { cause });
    }
    if (written !== undefined) return written;
    throw new MillraceError(
      "PAYLOAD_INVALID",
      `the value cannot be written as JSON: it is ${typeof value}; send null for "nothing"`,
    );
  },
  decode(bytes) {
    const written = decodeUtf8(bytes);
    try {
      return JSON.parse(written) as unknown;
    } catch (cause) {
      throw new MillraceError("PAYLOAD_UNREADABLE", `the payload is not JSON: ${messageOf(cause)}`, { cause });
    }
  },
};

/** Strings, stored as UTF-8. One with half a surrogate pair has no UTF-8 form and is refused. */
export const text: Codec<string> = {
  name: "text",
  encode(value) {
    if (typeof value !== "string") {
      throw new MillraceError("PAYLOAD_INVALID", `the codec "text" takes a string, not ${typeof value}`);
    }
    if (halfPair.test(value)) {
      throw new MillraceError("PAYLOAD_INVALID", "the text has half a surrogate pair, which UTF-8 cannot hold");
    }
    return value;
  },
  decode: decodeUtf8,
};

/** With the u flag, half of a pair stands only for one that has no other half. */
const halfPair = /\p{Cs}/u;

/** Bytes as they are. A received value is a copy of its own, free to keep and change. */
export const bytes: Codec<Uint8Array> = {
  name: "bytes",
  encode(value) {
    if (value instanceof Uint8Array) return value;
    throw new MillraceError("PAYLOAD_INVALID", `the codec "bytes" takes a Uint8Array, not ${typeof value}`);
  },
  decode(stored) {
    return Buffer.from(stored);
  },
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(stored: Uint8Array): string {
  try {
    return utf8.decode(stored);
  } catch (cause) {
    throw new MillraceError("PAYLOAD_UNREADABLE", "the payload is not UTF-8 text", { cause });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

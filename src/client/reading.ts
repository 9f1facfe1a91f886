import { MillraceError } from "../base/errors.js";
import type { Channel } from "./channel.js";
import type { Codec } from "./codec.js";
import { checkedBy } from "./schema.js";
import type { Schema } from "./schema.js";

/** How the stored bytes of a channel become values again. */
export class Reading<T> {
  readonly #codec: Codec<T>;
  readonly #schema: Schema<T> | undefined;

  constructor(channel: Pick<Channel<T>, "codec" | "schema">) {
    this.#codec = channel.codec;
    this.#schema = channel.schema;
  }

  /** Whether values are checked, and so may have to be waited for. */
  get checks(): boolean {
    return this.#schema !== undefined;
  }

  /**
   * A promise only when the schema checks asynchronously.
   * @throws MillraceError PAYLOAD_UNREADABLE when the codec cannot decode it, PAYLOAD_INVALID when the schema refuses it.
   */
  read(stored: Uint8Array): T | Promise<T> {
    const value = this.decode(stored);
    return this.#schema === undefined ? value : checkedBy(this.#schema, value);
  }

  /** Without its schema. */
  decode(stored: Uint8Array): T {
    try {
      return this.#codec.decode(stored);
    } catch (cause) {
      const message =
        cause instanceof MillraceError ? cause.message : `the codec "${this.#codec.name}" could not decode it`;
      throw new MillraceError("PAYLOAD_UNREADABLE", message, { cause });
    }
  }
}

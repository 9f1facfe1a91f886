import { inspect } from "node:util";
import { MillraceError } from "../base/errors.js";
import type { IncomingMessage } from "../driver.js";
import type { Message } from "./message.js";
import type { Reading } from "./reading.js";

/** A message of which everything costly is done when it is asked for. Where it comes from is the kind's affair. */
export abstract class LazyMessage<T> implements Message<T> {
  #value: { readonly value: T } | { readonly error: unknown } | undefined;

  constructor(value: { readonly value: T } | undefined) {
    this.#value = value;
  }

  protected abstract get incoming(): IncomingMessage;
  protected abstract get reading(): Reading<T>;

  get id(): string {
    return this.incoming.id;
  }

  get key(): string | undefined {
    return this.incoming.key;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.incoming.headers;
  }

  get value(): T {
    const read = (this.#value ??= this.#read());
    if ("error" in read) throw read.error;
    return read.value;
  }

  get sentAt(): Date {
    return new Date(this.incoming.sentAtMs);
  }

  get partition(): number | undefined {
    return this.incoming.partition;
  }

  get offset(): bigint | undefined {
    return this.incoming.offset;
  }

  /** What `console.log` shows. */
  [inspect.custom](): object {
    const { id, key, headers, sentAt, partition, offset } = this;
    const read = (this.#value ??= this.#read());
    return { id, key, headers, ...read, sentAt, partition, offset };
  }

  unwrap(): unknown {
    return this.incoming.unwrap();
  }

  /** Waits for a schema that checks asynchronously, so that `value` has its answer at hand. */
  async settleValue(): Promise<this> {
    try {
      this.#value ??= { value: await this.reading.read(this.incoming.value) };
    } catch (error) {
      this.#value = { error };
    }
    return this;
  }

  #read(): { readonly value: T } | { readonly error: unknown } {
    try {
      const value = this.reading.read(this.incoming.value);
      if (!(value instanceof Promise)) return { value };
      value.catch(() => {});
      return {
        error: new MillraceError("NOT_SUPPORTED", "the schema checks asynchronously, and here nothing can wait for it"),
      };
    } catch (error) {
      return { error };
    }
  }
}

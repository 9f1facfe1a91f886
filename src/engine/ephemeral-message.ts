/** A message that is stored nowhere, and its deliveries. */
import type { Delivery, Incoming, OutgoingMessage, Receipt } from "./message.js";
import type { Subscription } from "./subscription.js";

/** The sender may reuse what it passed as soon as its send has resolved, so bytes and headers are copied: once for all subscribers. */
export class EphemeralMessage implements Incoming {
  readonly id: string;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
  readonly sentAtMs: number;

  constructor(message: OutgoingMessage, position: string, nowMs: number) {
    const { value, headers } = message;
    this.id = message.id ?? position;
    this.key = message.key;
    this.headers = Object.assign(Object.create(null) as Record<string, string>, headers);
    this.value = typeof value === "string" ? Buffer.from(value, "utf8") : Buffer.from(value);
    this.sentAtMs = nowMs;
  }

  get hasHeaders(): boolean {
    for (const _ in this.headers) return true;
    return false;
  }

  get partition(): undefined {
    return undefined;
  }

  get offset(): undefined {
    return undefined;
  }

  /** What it counts for in a buffer that is bounded in bytes. */
  get bytes(): number {
    let bytes = this.value.length + (this.key?.length ?? 0);
    for (const name in this.headers) bytes += name.length + (this.headers[name]?.length ?? 0);
    return bytes;
  }

  unwrap(): unknown {
    return this;
  }

  /** @param dropped no subscriber had room for it */
  receipt(dropped: boolean): Receipt {
    return { id: this.id, duplicate: false, dropped };
  }
}

export class EphemeralDelivery implements Delivery {
  readonly message: EphemeralMessage;
  readonly attempt: number;
  readonly firstFailedAtMs: number | undefined;
  readonly replay = false;
  /** Who has it; undefined once it is settled or given back. */
  holder: Subscription | undefined;

  constructor(message: EphemeralMessage, attempt: number, firstFailedAtMs: number | undefined) {
    this.message = message;
    this.attempt = attempt;
    this.firstFailedAtMs = firstFailedAtMs;
  }

  get id(): string {
    return this.message.id;
  }

  get key(): string | undefined {
    return this.message.key;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.message.headers;
  }

  get hasHeaders(): boolean {
    return this.message.hasHeaders;
  }

  get value(): Uint8Array {
    return this.message.value;
  }

  get sentAtMs(): number {
    return this.message.sentAtMs;
  }

  get partition(): undefined {
    return undefined;
  }

  get offset(): undefined {
    return undefined;
  }

  unwrap(): unknown {
    return this.message;
  }
}

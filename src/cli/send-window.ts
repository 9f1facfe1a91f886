import { type Channel, type Duration, type Millrace, MillraceError, type Receipt, hasCode } from "../index.js";
import { CommandError } from "./failure.js";
import type { Outgoing } from "./outgoing.js";
import { formatCount } from "./units.js";

const messagesMax = 4_000;
const bytesMax = 8 * 1024 * 1024;

/** What has become of the messages so far. */
export interface SendTally {
  readonly sent: number;
  readonly duplicates: number;
  readonly dropped: number;
}

export interface SendWindowSettings {
  /** Waited for before another message is taken. */
  readonly onReceipt: ((receipt: Receipt) => Promise<void>) | undefined;
  /** From when and until when all of them are to be handed out. */
  readonly delay: Duration | undefined;
  readonly at: Date | undefined;
  readonly expires: Duration | undefined;
  /** Ends a wait for room in a full channel. */
  readonly signal: AbortSignal;
  /** How long a message may wait for room; undefined: as long as it takes, or not at all where nobody can make any. */
  readonly timeout: Duration | undefined;
  /** Of a directory nobody: this process has it, and handles nothing. */
  readonly canOthersMakeRoom: boolean;
}

/**
 * Sends without waiting for each message, so that many share one commit, and with a bound on how many are under way.
 * After the first message that cannot be sent it takes no more.
 */
export class SendWindow {
  readonly #mill: Millrace;
  readonly #channel: Channel<Uint8Array | string>;
  readonly #settings: SendWindowSettings;
  readonly #tally = { sent: 0, duplicates: 0, dropped: 0 };
  #messages = 0;
  #bytes = 0;
  #onEnded: () => void = () => {};
  #failure: { readonly line: number; readonly error: unknown } | undefined;

  constructor(mill: Millrace, channel: Channel<Uint8Array | string>, settings: SendWindowSettings) {
    this.#mill = mill;
    this.#channel = channel;
    this.#settings = settings;
  }

  get tally(): SendTally {
    return this.#tally;
  }

  /** Asked to stop. */
  get stopped(): boolean {
    return this.#settings.signal.aborted;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** A promise once there are enough under way: it resolves when there is room for another. */
  push(message: Outgoing, line: number): Promise<void> | undefined {
    const { payload, key, id, priority, headers } = message;
    const { signal, delay, at, expires } = this.#settings;
    const timeout = this.#timeout;
    const size = payload.length;
    this.#messages += 1;
    this.#bytes += size;
    this.#mill.send(this.#channel, payload, { key, id, priority, delay, at, expires, headers, signal, timeout }).then(
      (receipt) => this.#sent(receipt, size),
      (error: unknown) => this.#refused(error, line, size),
    );
    return this.#isFull ? this.#room() : undefined;
  }

  get #timeout(): Duration | undefined {
    const { timeout, canOthersMakeRoom } = this.#settings;
    return timeout ?? (canOthersMakeRoom ? undefined : 0);
  }

  get #isFull(): boolean {
    return this.#messages >= messagesMax || this.#bytes > bytesMax;
  }

  async #room(): Promise<void> {
    while (this.#isFull) await this.#oneEnded();
  }

  /** Resolves once nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#messages > 0) await this.#oneEnded();
  }

  #oneEnded(): Promise<void> {
    return new Promise((resolve) => (this.#onEnded = resolve));
  }

  /** Throws what stopped the sending, saying which line it was and what is stored. */
  throwFailure(): void {
    if (this.#failure === undefined) return;
    const { line } = this.#failure;
    const error = this.#inOurTerms(this.#failure.error);
    const what = error instanceof Error ? error.message : String(error);
    const message = `line ${line} was not sent: ${what} (others sent: ${formatCount(this.#tally.sent)})`;
    if (error instanceof MillraceError) throw new MillraceError(error.code, message, { cause: error });
    // The library refuses arguments with a TypeError; here they come out of the input.
    if (error instanceof TypeError) throw new CommandError("INPUT_INVALID", message, { cause: error });
    throw error;
  }

  /** A wait that we ourselves cut down to nothing is no timeout for the user. */
  #inOurTerms(error: unknown): unknown {
    if (!hasCode(error, "TIMEOUT") || this.#timeout !== 0) return error;
    const what = "it is full, and nobody else can make room while this command has the directory open";
    return new MillraceError("QUEUE_FULL", `${what}: handle or drop some of it first`, { cause: error });
  }

  #sent(receipt: Receipt, size: number): void {
    this.#tally.sent += 1;
    if (receipt.duplicate) this.#tally.duplicates += 1;
    if (receipt.dropped) this.#tally.dropped += 1;
    const told = this.#settings.onReceipt?.(receipt);
    if (told === undefined) this.#ended(size);
    else void told.then(() => this.#ended(size));
  }

  #refused(error: unknown, line: number, size: number): void {
    // Asked to stop, it stopped: no failure.
    if (!(this.stopped && hasCode(error, "ABORTED"))) this.#failure ??= { line, error };
    this.#ended(size);
  }

  #ended(size: number): void {
    this.#messages -= 1;
    this.#bytes -= size;
    this.#onEnded();
  }
}

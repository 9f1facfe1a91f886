import { type Channel, type Duration, type Millrace, MillraceError, type Receipt, hasCode } from "../index.js";
import { CommandError } from "./failure.js";
import type { Outgoing } from "./outgoing.js";

const messagesMax = 1_000;
const bytesMax = 8 * 1024 * 1024;

/** What has become of the messages so far. */
export interface SendTally {
  readonly sent: number;
  readonly duplicates: number;
  readonly dropped: number;
}

export interface SendWindowSettings {
  readonly onReceipt: (receipt: Receipt) => Promise<void>;
  /** Ends a wait for room in a full channel. */
  readonly signal: AbortSignal;
  /** How long a message may wait for room. */
  readonly timeout: Duration | undefined;
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

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves once there is room for another. */
  async push(message: Outgoing, line: number): Promise<void> {
    const size = message.payload.length;
    this.#messages += 1;
    this.#bytes += size;
    void this.#send(message, line).finally(() => {
      this.#messages -= 1;
      this.#bytes -= size;
      this.#onEnded();
    });
    while (this.#messages >= messagesMax || this.#bytes > bytesMax) await this.#oneEnded();
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
    const { line, error } = this.#failure;
    const what = error instanceof Error ? error.message : String(error);
    const message = `line ${line} was not sent: ${what} (${this.#tally.sent} other messages were sent)`;
    if (error instanceof MillraceError) throw new MillraceError(error.code, message, { cause: error });
    // The library refuses arguments with a TypeError; here they come out of the input.
    if (error instanceof TypeError) throw new CommandError("INPUT_INVALID", message, { cause: error });
    throw error;
  }

  async #send(message: Outgoing, line: number): Promise<void> {
    const { payload, ...options } = message;
    const { signal, timeout } = this.#settings;
    try {
      const receipt = await this.#mill.send(this.#channel, payload, { ...options, signal, timeout });
      this.#tally.sent += 1;
      if (receipt.duplicate) this.#tally.duplicates += 1;
      if (receipt.dropped) this.#tally.dropped += 1;
      await this.#settings.onReceipt(receipt);
    } catch (error) {
      // Asked to stop, it stopped: no failure.
      if (!(signal.aborted && hasCode(error, "ABORTED"))) this.#failure ??= { line, error };
    }
  }
}

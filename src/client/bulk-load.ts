import { Buffer } from "node:buffer";
import { durationMs } from "../base/duration.js";
import { MillraceError } from "../base/errors.js";
import type { OutgoingMessage, PublishOptions, Receipt } from "../driver.js";
import type { BoundChannel } from "./bound-channel.js";
import { checkInteger, checkOptions } from "./checks.js";
import { bounds, defaults } from "./defaults.js";
import type { Environment } from "./environment.js";
import type { LoadOptions, LoadSummary } from "./load.js";
import type { CompleteSendOptions } from "./send-options.js";

const known = new Set(["batch", "inFlight", "headers", "onProgress", "signal", "timeout"]);

/** Sends any number of values: gathers batches, and lets a few of them be on their way at once. */
export class BulkLoad<T> {
  readonly #bound: BoundChannel<T>;
  readonly #environment: Environment;
  readonly #options: LoadOptions;
  readonly #message: CompleteSendOptions | undefined;
  readonly #publish: PublishOptions | undefined;
  readonly #startMs: number;
  readonly #batchMax: number;
  readonly #inFlightMax: number;
  readonly #underWay = new Set<Promise<void>>();
  readonly #tally = { sent: 0, duplicates: 0, dropped: 0 };
  #batch: OutgoingMessage[] = [];
  #batchBytes = 0;
  #failure: { readonly error: unknown } | undefined;

  /** @throws TypeError for wrong options. */
  constructor(bound: BoundChannel<T>, environment: Environment, options: LoadOptions) {
    checkOptions(options, known, "load");
    const { batch = defaults.load.batch, inFlight = defaults.load.inFlight, headers, signal, timeout } = options;
    checkInteger(batch, "load: batch", bounds.batch);
    checkInteger(inFlight, "load: inFlight", bounds.count);
    if (timeout !== undefined) durationMs(timeout, "load: timeout");
    this.#bound = bound;
    this.#environment = environment;
    this.#options = options;
    const complete = bound.completeOptions({ headers, signal, timeout }, "sendAll");
    this.#message = headers === undefined ? undefined : complete;
    this.#publish = complete.publish;
    this.#batchMax = batch;
    this.#inFlightMax = inFlight;
    this.#startMs = environment.clock.monotonicMs();
  }

  async run(values: Iterable<T> | AsyncIterable<T>): Promise<LoadSummary> {
    try {
      await this.#sendBatches(values);
    } catch (error) {
      this.#failure ??= { error };
    }
    // What is on its way is waited for in any case: after this, nothing of the load happens any more.
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#explained(this.#failure.error);
    return this.#summary();
  }

  async #sendBatches(values: Iterable<T> | AsyncIterable<T>): Promise<void> {
    if (Symbol.asyncIterator in values) {
      for await (const value of values) if (!(await this.#add(value))) return;
    } else {
      for (const value of values) {
        const added = this.#add(value);
        if (added !== true && !(await added)) return;
      }
    }
    await this.#send();
  }

  /** True when there may be more; a promise only when something has to be waited for. */
  #add(value: T): true | Promise<boolean> {
    this.#refuseAborted();
    const message = this.#bound.prepare(value, this.#message);
    return message instanceof Promise
      ? message.then((checked) => this.#await(value, checked))
      : this.#await(value, message);
  }

  /** Where there is a limit to how often, values are fetched as it allows, and not sooner. */
  #await(value: T, message: OutgoingMessage): true | Promise<boolean> {
    const turn = this.#bound.turn([value], [message], this.#publish);
    return turn === undefined ? this.#push(message) : turn.then(() => this.#push(message));
  }

  #push(message: OutgoingMessage): true | Promise<boolean> {
    this.#batch.push(message);
    this.#batchBytes += Buffer.byteLength(message.value);
    if (this.#batch.length < this.#batchMax && this.#batchBytes < defaults.load.batchBytes) return true;
    return this.#send().then(() => this.#failure === undefined);
  }

  /** Resolves once there is room for another batch. */
  async #send(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length === 0 || this.#failure !== undefined) return;
    const sending = this.#publishBatch(batch).finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
    while (this.#underWay.size >= this.#inFlightMax) await Promise.race(this.#underWay);
  }

  async #publishBatch(batch: readonly OutgoingMessage[]): Promise<void> {
    try {
      const declared = await this.#bound.declare();
      this.#count(await declared.publishAll(batch, this.#publish));
      this.#options.onProgress?.(this.#summary());
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #count(receipts: readonly Receipt[]): void {
    this.#tally.sent += receipts.length;
    for (const { duplicate, dropped } of receipts) {
      if (duplicate) this.#tally.duplicates += 1;
      if (dropped) this.#tally.dropped += 1;
    }
  }

  #refuseAborted(): void {
    const { signal } = this.#options;
    if (signal?.aborted) throw new MillraceError("ABORTED", "the signal aborted", { cause: signal.reason });
  }

  #summary(): LoadSummary {
    return { ...this.#tally, elapsedMs: this.#environment.clock.monotonicMs() - this.#startMs };
  }

  #explained(error: unknown): unknown {
    if (!(error instanceof MillraceError)) return error;
    return new MillraceError(error.code, `load stopped after ${this.#tally.sent} values: ${error.message}`, {
      cause: error,
    });
  }
}

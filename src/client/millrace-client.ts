import { MillraceError } from "../base/errors.js";
import type { Receipt, Supports } from "../driver.js";
import { BatchRunner } from "./batch-runner.js";
import { BulkLoad } from "./bulk-load.js";
import { ChannelConsumer, drainOf } from "./channel-consumer.js";
import type { Channel, Stream } from "./channel.js";
import { shown } from "./checks.js";
import type { CloseOptions, Consumer, ConsumerInfo } from "./consumer.js";
import { DriverBackedAdmin } from "./driver-backed-admin.js";
import type { Environment } from "./environment.js";
import type { BatchHandler, BatchOptions, HandleOptions, Handler } from "./handler.js";
import type { Handling } from "./handling.js";
import { completeHandling } from "./handling.js";
import type { LoadOptions, LoadSummary } from "./load.js";
import type { Millrace, Transaction } from "./millrace.js";
import { onceHandler } from "./once-handler.js";
import { completeReadOptions } from "./read-options.js";
import type { Reader, ReadOptions } from "./reader.js";
import type { SendAllOptions, SendOptions } from "./sender.js";
import type { SessionParts } from "./session.js";
import { SingleRunner } from "./single-runner.js";
import { Staging } from "./staging.js";
import { StreamReader } from "./stream-reader.js";
import { requireAbility } from "./support.js";

/**
 * Everything a user does, over any driver.
 *
 *   open ──▶ draining ──▶ closed
 *
 * draining: consumers finish what they have, and their handlers may still send; no new consumer starts.
 */
export class MillraceClient implements Millrace {
  readonly admin: DriverBackedAdmin;
  readonly #environment: Environment;
  readonly #consumers = new Set<Consumer & { info(): ConsumerInfo }>();
  #mode: "open" | "draining" | "closed" = "open";
  #closing: Promise<void> | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.admin = new DriverBackedAdmin(environment, {
      requireOpen: () => this.#requireNotClosed(),
      consumers: () => [...this.#consumers].map((consumer) => consumer.info()),
    });
  }

  get supports(): Supports {
    return this.#environment.driver.supports;
  }

  send<T>(channel: Channel<T>, value: NoInfer<T>, options?: SendOptions): Promise<Receipt> {
    // The way of nearly every message: no option, a channel used before, nothing to wait for.
    const bound = this.#environment.channels.find(channel);
    if (bound !== undefined && options === undefined && this.#mode !== "closed") return bound.send(value);
    try {
      this.#requireNotClosed();
      const found = this.#environment.channels.get(channel);
      return options === undefined ? found.send(value) : found.sendWith(value, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  sendAll<T>(channel: Channel<T>, values: readonly NoInfer<T>[], options?: SendAllOptions): Promise<Receipt[]> {
    try {
      this.#requireNotClosed();
      return this.#environment.channels.get(channel).sendAll(values, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async load<T>(
    channel: Channel<T>,
    values: Iterable<NoInfer<T>> | AsyncIterable<NoInfer<T>>,
    options: LoadOptions = {},
  ): Promise<LoadSummary> {
    this.#requireNotClosed();
    const bound = this.#environment.channels.get(channel);
    if (
      typeof values !== "object" ||
      values === null ||
      !(Symbol.iterator in values || Symbol.asyncIterator in values)
    ) {
      throw new TypeError(`load takes an iterable or async iterable of values, not ${shown(values)}`);
    }
    return new BulkLoad<T>(bound, this.#environment, options).run(values);
  }

  handle<T>(channel: Channel<T>, handler: Handler<NoInfer<T>>, options: HandleOptions<NoInfer<T>> = {}): Consumer {
    const handling = this.#complete(channel, handler, { call: "handle", options });
    const { once } = handling;
    const called = once === undefined ? handler : onceHandler(handler, once);
    return this.#start<T>({ handling, makeRunner: (parts) => new SingleRunner<T>(called, parts) });
  }

  handleBatch<T>(channel: Channel<T>, handler: BatchHandler<NoInfer<T>>, options: BatchOptions<NoInfer<T>>): Consumer {
    const handling = this.#complete(channel, handler, { call: "handleBatch", options });
    return this.#start<T>({ handling, makeRunner: (parts) => new BatchRunner<T>(handler, parts) });
  }

  read<T>(stream: Stream<T>, options: ReadOptions = {}): Reader<T> {
    this.#requireNotClosed();
    const bound = this.#environment.channels.get<T>(stream);
    return new StreamReader(bound, completeReadOptions(stream, options, this.#environment.driver));
  }

  async transaction<R>(work: (transaction: Transaction) => Promise<R>): Promise<R> {
    this.#requireNotClosed();
    const { driver, channels } = this.#environment;
    if (typeof work !== "function")
      throw new TypeError(`transaction takes a function that sends through what it is given, not ${shown(work)}`);
    requireAbility(driver, "transactions", { channel: { kind: "driver", name: driver.name }, option: "transaction" });
    const staging = new Staging(
      channels,
      "the transaction has ended: what belongs to it must be sent before its work resolves",
    );
    try {
      const result = await work(staging);
      const sends = await staging.end();
      if (sends.length > 0) await driver.commit(sends);
      return result;
    } finally {
      staging.discard();
    }
  }

  close(options: CloseOptions = {}): Promise<void> {
    try {
      const drainMs = drainOf(options, "close");
      this.#closing ??= this.#closeAll(drainMs);
      return this.#closing;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Everything is closed, whatever fails meanwhile; then the first failure is told. */
  async #closeAll(drainMs: number): Promise<void> {
    this.#mode = this.#consumers.size > 0 ? "draining" : "closed";
    this.admin.close();
    const closings = [...this.#consumers].map((consumer) => consumer.close({ drain: drainMs }));
    const results = await Promise.allSettled(closings);
    this.#mode = "closed";
    await this.#environment.channels.close();
    await this.#environment.driver.close();
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #complete<T>(
    channel: Channel<T>,
    handler: unknown,
    asked: { readonly call: "handle" | "handleBatch"; readonly options: HandleOptions<T> },
  ): Handling<T> {
    const { driver, channels } = this.#environment;
    if (this.#mode !== "open") throw closedError();
    channels.get(channel);
    if (typeof handler !== "function") {
      throw new TypeError(
        `${asked.call} ${channel.kind} "${channel.name}": the handler must be a function, not ${shown(handler)}`,
      );
    }
    return completeHandling(channel, asked.options, { call: asked.call, driver });
  }

  #start<T>(parts: Omit<SessionParts<T>, "environment" | "outage" | "abandoned">): Consumer {
    const consumer = new ChannelConsumer({ ...parts, environment: this.#environment });
    this.#consumers.add(consumer);
    const forget = (): void => void this.#consumers.delete(consumer);
    consumer.closed.then(forget, forget);
    consumer.start();
    return consumer;
  }

  #requireNotClosed(): void {
    if (this.#mode === "closed") throw closedError();
  }
}

function closedError(): MillraceError {
  return new MillraceError("CLOSED", "this Millrace has been closed: open it again to use it");
}

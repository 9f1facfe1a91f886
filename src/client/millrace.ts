import type { Supports } from "../driver.js";
import type { Admin } from "./admin.js";
import type { Channel, Stream } from "./channel.js";
import type { CloseOptions, Consumer } from "./consumer.js";
import type { BatchHandler, BatchOptions, HandleOptions, Handler } from "./handler.js";
import type { LoadOptions, LoadSummary } from "./load.js";
import type { Reader, ReadOptions } from "./reader.js";
import type { Sender } from "./sender.js";

/** Messages of one transaction: sent together, or not at all. */
export interface Transaction extends Sender {}

/** One broker, opened. Everything sent and handled goes through it. */
export interface Millrace extends Sender, AsyncDisposable {
  /** What the driver behind it can do. */
  readonly supports: Supports;
  readonly admin: Admin;
  /**
   * Sends any number of values in batches, with bounded memory, in order.
   * Rejects with the first error; the message says how many values had been sent by then.
   */
  load<T>(
    channel: Channel<T>,
    values: Iterable<NoInfer<T>> | AsyncIterable<NoInfer<T>>,
    options?: LoadOptions,
  ): Promise<LoadSummary>;
  /**
   * Starts a consumer; it runs until it or this Millrace is closed.
   * @throws TypeError for wrong arguments; MillraceError NOT_SUPPORTED for what the driver cannot do, CLOSED after `close`.
   */
  handle<T>(channel: Channel<T>, handler: Handler<NoInfer<T>>, options?: HandleOptions<NoInfer<T>>): Consumer;
  /** The same with many messages a call, each settled by itself. */
  handleBatch<T>(channel: Channel<T>, handler: BatchHandler<NoInfer<T>>, options: BatchOptions<NoInfer<T>>): Consumer;
  /** Reads history, outside any group: it changes nothing. */
  read<T>(stream: Stream<T>, options?: ReadOptions): Reader<T>;
  /** Commits what `work` sends through `transaction` once it resolves; when it rejects, nothing is sent. */
  transaction<R>(work: (transaction: Transaction) => Promise<R>): Promise<R>;
  /** Drains every consumer, then closes the driver. Sends made after that reject with CLOSED. Closing twice is fine. */
  close(options?: CloseOptions): Promise<void>;
}

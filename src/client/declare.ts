import type { Queue, Stream, Topic } from "./channel.js";
import type { QueueOptions, StreamOptions, TopicOptions } from "./channel-options.js";
import { completeQueue, completeStream, completeTopic } from "./complete.js";

/**
 * Declares a queue. Names: 1 to 249 letters, digits, ".", "_" and "-"; names ending in ".dead" are kept for dead letters.
 * @throws TypeError for a name or an option that cannot be.
 */
export function queue<T>(name: string, options: QueueOptions<T> = {}): Queue<T> {
  return completeQueue(name, options);
}

/** Declares a stream; see `queue` for names and errors. */
export function stream<T>(name: string, options: StreamOptions<T> = {}): Stream<T> {
  return completeStream(name, options);
}

/** Declares a topic, durable unless `durable: false` is said; see `queue` for names and errors. */
export function topic<T>(name: string, options: TopicOptions<T> = {}): Topic<T> {
  return completeTopic(name, options);
}

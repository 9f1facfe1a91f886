/**
 * What is given up, and when. A stream, and a durable topic that no group reads yet, keeps what its retention says: whole segments go
 * once all in them is older than `timeMs`, or once the channel has more than `bytes` (of which each partition has an
 * equal share) without them. A queue, and a topic that has groups, keeps what is not settled; a sealed segment of
 * which little is left is written anew, so that one stuck message never pins the disk. A stream that is compacted keeps the last
 * record of each key besides (`compaction.ts`).
 *
 * Looks once a minute, and when a channel has grown by a segment.
 */
import type { Clock, Timer } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { Log } from "../log/log.js";
import type { Partition, SegmentInfo } from "../log/partition/partition.js";
import { Compactor } from "./compaction.js";
import type { SettledFloor } from "./settled-floor.js";
import type { StoredChannel } from "./stored-channel.js";
import { StreamChannel } from "./stream-channel.js";
import type { TrustedWall } from "./trusted-wall.js";
import { WorkChannel } from "./work-channel.js";

const passMs = 60_000;

/** A segment with less than this share of live records is written anew. */
const sparseShare = 0.25;

/** One that was written anew is so again once this share of what was live then is left. */
const sparserShare = 0.5;

export interface KeeperOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** By which messages are too old. */
  readonly wall: TrustedWall;
  readonly limits: Limits;
  /** All stored channels, opened where they have anything that may go. */
  channels(): Iterable<StoredChannel>;
  failed(error: Error): void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #compactor: Compactor;
  readonly #rewritten = new WeakMap<Partition, Map<number, number>>();
  #timer: Timer | undefined;
  #passing: Promise<void> | undefined;
  #closed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#compactor = new Compactor(options);
  }

  start(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(passMs, () => {
      void this.pass().then(() => this.start());
    });
  }

  /** Gives up what may go. Never two at once. */
  pass(): Promise<void> {
    return (this.#passing ??= this.#pass()
      .catch((error: unknown) => {
        if (!this.#closed) this.#options.failed(error as Error);
      })
      .finally(() => {
        this.#passing = undefined;
      }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#compactor.close();
    this.#timer?.cancel();
    await this.#passing;
  }

  async #pass(): Promise<void> {
    for (const channel of this.#options.channels()) {
      if (this.#closed) return;
      this.keep(channel);
      // Without a group nobody has settled anything: all of it waits for the first one.
      if (channel instanceof WorkChannel && channel.hasGroups) await this.#rewriteSparse(channel);
      if (channel.spec.compact) for (const partition of channel.partitions) await this.#compactor.compact(partition);
    }
  }

  /** Trims one channel to what it has to keep. */
  keep(channel: StoredChannel): void {
    if (channel instanceof WorkChannel && channel.hasGroups) {
      channel.trimSettled();
      return;
    }
    const { timeMs, bytes } = channel.spec.retention;
    const share = bytes / channel.partitions.length;
    const oldestMs = this.#options.wall.nowMs() - timeMs;
    for (const partition of channel.partitions) {
      const before = expiredBefore(partition.segments(), oldestMs, share);
      if (before > partition.startOffset) partition.trim(before);
    }
    if (channel instanceof StreamChannel) channel.passExpired();
  }

  async #rewriteSparse(channel: WorkChannel): Promise<void> {
    for (const floor of channel.floors) await this.#rewriteSparsePartition(floor);
  }

  async #rewriteSparsePartition(floor: SettledFloor): Promise<void> {
    const { partition } = floor;
    const rewritten = this.#rewritten.get(partition) ?? new Map<number, number>();
    this.#rewritten.set(partition, rewritten);
    const sealed = partition.segments().filter((segment) => segment.sealed);
    // The last one is being read, or soon will be.
    for (const { baseOffset, endOffset } of sealed.slice(0, -1)) {
      const live = floor.liveIn(baseOffset, endOffset);
      const mostLive = (rewritten.get(baseOffset) ?? Infinity) * sparserShare;
      if (this.#closed || live >= (endOffset - baseOffset) * sparseShare || live >= mostLive) continue;
      rewritten.set(baseOffset, live);
      await this.#options.log.rewrite(partition, baseOffset, (offset) => floor.isLive(offset));
    }
  }
}

/** The offset below which the retention lets everything go. */
function expiredBefore(segments: readonly SegmentInfo[], oldestMs: number, bytesMax: number): number {
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  let before = 0;
  for (const [index, segment] of segments.entries()) {
    bytes -= segment.bytes;
    const isExpired = segment.maxTimestampMs < oldestMs;
    // The newest is never given up for its size alone: it is what the channel is there for.
    const isTooMuch = bytes >= bytesMax && index < segments.length - 1;
    if (!isExpired && !isTooMuch) break;
    before = segment.endOffset;
  }
  return before;
}

/**
 * Expiry of a queue: gives each lane what it has to know, and those messages a time of their own that do not expire in the order of
 * the log. Where nothing expires there is nothing of it.
 */
import type { Partition } from "../../log/partition/partition.js";
import { queuePartitions } from "../channel-spec.js";
import type { EngineContext } from "../context.js";
import { type DueIndex, dueKinds, inMemoryMax } from "../due-index.js";
import type { OutgoingMessage } from "../message.js";
import type { KnownChannel } from "../meta.js";
import type { WorkGroup } from "../work-group.js";
import type { WorkLane } from "../work-lane.js";
import { ExpiredMessages } from "./expired-messages.js";
import { LaneExpiry } from "./lane-expiry.js";

export interface QueueExpiryHome {
  readonly context: EngineContext;
  readonly known: KnownChannel;
  readonly work: WorkGroup;
  /** One more partition of the queue. */
  partition(index: number): Partition;
}

export class QueueExpiry {
  readonly messages: ExpiredMessages;
  readonly #home: QueueExpiryHome;
  readonly #own: DueIndex[] = [];

  constructor(home: QueueExpiryHome) {
    const { context, work } = home;
    this.#home = home;
    this.messages = new ExpiredMessages({
      log: context.log,
      clock: context.clock,
      logger: context.logger,
      work,
      stage: (sends, alongside) => context.stage(sends, alongside),
      failed: (error) => context.failed(error),
    });
  }

  /** The queue's settings have changed, or it has been opened. */
  respecify(): void {
    const { expiresMs, whenExpired } = this.#home.known.spec;
    this.messages.drops = whenExpired === "drop";
    for (const lane of this.#home.work.lanes) this.watch(lane);
    if (expiresMs !== undefined || this.#own.length > 0) this.messages.ready();
  }

  /** A lane of the queue may have messages that expire. */
  watch(lane: WorkLane): void {
    const { context, known } = this.#home;
    const { expiresMs, priorities } = known.spec;
    if (lane.partition < priorities && (expiresMs !== undefined || lane.expiry !== undefined)) {
      this.#expiryOf(lane).ageMs = expiresMs;
    }
    if (context.ledger.findDue(known.id, lane.partition, dueKinds.expiry)?.isKept === true) this.#ownOf(lane);
  }

  /** A message as it is stored: with its own time, if it is not the order of the log that says when it expires. */
  timed({ expiresMs, ...message }: OutgoingMessage, nowMs: number): OutgoingMessage {
    const ageMs = this.#home.known.spec.expiresMs ?? Infinity;
    const isDelayed = message.dueAtMs !== undefined;
    const afterMs = Math.min(expiresMs ?? Infinity, ageMs);
    if (afterMs === Infinity || (!isDelayed && afterMs === ageMs)) return message;
    // What is delayed is not older than when it is due.
    return { ...message, expiresAtMs: Math.ceil((message.dueAtMs ?? nowMs) + afterMs) };
  }

  /** It is about to be stored. */
  prepare(lane: WorkLane, { expiresAtMs }: OutgoingMessage): void {
    if (expiresAtMs !== undefined) this.#ownOf(lane);
  }

  stored(
    lane: WorkLane,
    { expiresAtMs }: OutgoingMessage,
    at: { readonly offset: number; readonly nowMs: number },
  ): void {
    const { expiry } = lane;
    if (expiry === undefined) return;
    const monotonicMs = this.#home.context.clock.monotonicMs();
    expiry.sent.note(at.offset, at.nowMs, monotonicMs);
    if (expiresAtMs !== undefined) expiry.own?.add(at.offset, monotonicMs + expiresAtMs - at.nowMs);
  }

  /** Messages of the queue have been committed. */
  committed(): void {
    for (const index of this.#own) index.settleDown();
    this.messages.ready();
  }

  #expiryOf(lane: WorkLane): LaneExpiry {
    return (lane.expiry ??= new LaneExpiry(this.#home.context.clock, lane, () => this.messages.ready()));
  }

  #ownOf(lane: WorkLane): DueIndex {
    const expiry = this.#expiryOf(lane);
    if (expiry.own !== undefined) return expiry.own;
    const { context, known } = this.#home;
    const { log, clock, ledger, limits } = context;
    const index = ledger.dueIndex(known.id, lane.partition, dueKinds.expiry);
    const isFirst = !index.isKept;
    // What is there already was sent without a time of its own.
    if (isFirst) index.beginAt(lane.source.nextOffset);
    index.attach({
      log,
      clock,
      source: lane.source,
      timeline: this.#home.partition(queuePartitions.expiries(known.spec.priorities, lane.partition)),
      inMemoryMax: inMemoryMax(limits),
      dueAtMs: (record) => record.expiresAtMs,
      isPast: (offset) => lane.progress.settled.has(offset),
    });
    if (isFirst) index.keep();
    this.#own.push(index);
    return (expiry.own = index);
  }
}

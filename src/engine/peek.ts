/** Looks at messages where they lie: nothing is leased, counted or moved. */
import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { RecordView } from "../log/batch/record.js";
import { type Lane, LoggedMessage } from "./lane.js";
import type { LeasedRecord } from "./leases.js";
import { RecordLookup, RecordStream } from "./record-lookup.js";
import type { PartitionView } from "./views.js";

export interface MessageState {
  readonly state: "ready" | "leased" | "delayed" | "parked";
  readonly attempts: number;
  /** When a delayed message is due, or a lease ends; wall time. */
  readonly untilMs: number | undefined;
}

export class PeekedMessage extends LoggedMessage implements MessageState {
  readonly state: "ready" | "leased" | "delayed" | "parked";
  readonly attempts: number;
  readonly untilMs: number | undefined;

  constructor(record: RecordView, lane: Lane, { state, attempts, untilMs }: MessageState) {
    super(record, lane);
    this.state = state;
    this.attempts = attempts;
    this.untilMs = untilMs;
  }
}

export interface PeekOptions {
  readonly limit: number;
  /** Only those behind this one. */
  readonly after: string | undefined;
  readonly state?: MessageState["state"] | undefined;
}

/** A message and where it lies. */
export interface Located {
  readonly view: PartitionView;
  readonly record: RecordView;
}

/** Looking through a long backlog lets others have their turn after this many messages. */
const turnRecords = 5_000;

/** Where the messages of the last looks lie, so that paging by id needs no search. */
const rememberedMax = 10_000;

export class Peeker {
  readonly #clock: Clock;
  /** Offset by id, of messages that were sent with one. A hint: what lies there is checked. */
  readonly #remembered = new Map<string, { readonly partition: number; readonly offset: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The next messages that are not settled: the most urgent lane first, in a lane in the order in which they were sent.
   */
  async peek(views: readonly PartitionView[], options: PeekOptions): Promise<PeekedMessage[]> {
    const { limit, after, state } = options;
    let looked = 0;
    const begin = after === undefined ? undefined : await this.#find(views, after);
    const messages: PeekedMessage[] = [];
    const first = begin === undefined ? 0 : views.indexOf(begin.view);
    for (const view of views.slice(first)) {
      const leases = new Map(view.leases().map((lease) => [lease.record.offset, lease]));
      const from = view === begin?.view ? begin.record.offset + 1 : 0;
      for (const record of unsettled(view, from)) {
        if (messages.length >= limit) return messages;
        if (++looked % turnRecords === 0) await this.#turn();
        const found = this.stateOf(view, record, leases.get(record.offset));
        if (state !== undefined && found.state !== state) continue;
        messages.push(new PeekedMessage(record, view.lane, found));
        this.#remember(view, record);
      }
    }
    return messages;
  }

  /** Those of the messages that are there and not settled, by id. Of several with the same id, the first. */
  async locate(views: readonly PartitionView[], ids: readonly string[]): Promise<Map<string, Located>> {
    const found = new Map<string, Located>();
    const missing = new Set<string>();
    for (const id of ids) {
      const located = this.#atPosition(views, id) ?? this.#atRemembered(views, id);
      if (located === undefined) missing.add(id);
      else found.set(id, located);
    }
    for (const view of missing.size > 0 ? views : []) await this.#search(view, missing, found);
    return found;
  }

  async #find(views: readonly PartitionView[], id: string): Promise<Located> {
    const located = (await this.locate(views, [id])).get(id);
    if (located !== undefined) return located;
    throw new MillraceError(
      "MESSAGE_UNKNOWN",
      `there is no message ${JSON.stringify(id)} any more: look from the beginning`,
    );
  }

  async #search(view: PartitionView, missing: Set<string>, found: Map<string, Located>): Promise<void> {
    let looked = 0;
    for (const record of unsettled(view, 0)) {
      if (missing.size === 0) return;
      const { id } = record;
      if (id !== undefined && missing.delete(id)) found.set(id, { view, record });
      if (++looked % turnRecords === 0) await this.#turn();
    }
  }

  #turn(): Promise<void> {
    return new Promise<void>((resolve) => this.#clock.soon(resolve));
  }

  /** A message that was sent without an id is known by its position. */
  #atPosition(views: readonly PartitionView[], id: string): Located | undefined {
    for (const view of views) {
      const { idPrefix } = view.lane;
      if (!id.startsWith(idPrefix) || !/^\d{1,15}$/.test(id.slice(idPrefix.length))) continue;
      const record = new RecordLookup(view.partition).find(Number(id.slice(idPrefix.length)));
      return record === undefined || record.id !== undefined ? undefined : { view, record };
    }
    return undefined;
  }

  #atRemembered(views: readonly PartitionView[], id: string): Located | undefined {
    const at = this.#remembered.get(keyOf(views, id));
    const view = views.find(({ lane }) => lane.partition === at?.partition);
    if (at === undefined || view === undefined) return undefined;
    const record = new RecordLookup(view.partition).find(at.offset);
    return record?.id === id ? { view, record } : undefined;
  }

  #remember(view: PartitionView, record: RecordView): void {
    const { id } = record;
    if (id === undefined) return;
    const key = keyOf([view], id);
    this.#remembered.delete(key);
    this.#remembered.set(key, { partition: view.lane.partition, offset: record.offset });
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= rememberedMax) break;
      this.#remembered.delete(oldest);
    }
  }

  stateOf(view: PartitionView, record: RecordView, lease: LeasedRecord | undefined): MessageState {
    const nowMs = this.#clock.nowMs();
    if (lease !== undefined) {
      const leftMs = Math.max(0, lease.deadlineMs - this.#clock.monotonicMs());
      return { state: "leased", attempts: lease.attempt, untilMs: Math.round(nowMs + leftMs) };
    }
    const attempts = view.progress.attempts(record.offset);
    const dueAtMs = view.progress.retry(record.offset)?.dueAtMs ?? (attempts === 0 ? record.dueAtMs : undefined) ?? 0;
    if (dueAtMs > nowMs) return { state: "delayed", attempts, untilMs: dueAtMs };
    return { state: view.lane.isParked(record) ? "parked" : "ready", attempts, untilMs: undefined };
  }
}

function keyOf(views: readonly PartitionView[], id: string): string {
  return `${views[0]?.progress.groupId}/${id}`;
}

/** Records from `from` on that the group has not settled. What is settled is stepped over, not read. */
function* unsettled({ partition, progress }: PartitionView, from: number): Generator<RecordView> {
  const stream = new RecordStream(partition, progress.settled.nextUnsettled(from));
  for (let record = stream.next(); record !== undefined; record = stream.next()) {
    if (progress.settled.has(record.offset)) stream.seek(progress.settled.nextUnsettled(record.offset));
    else yield record;
  }
}

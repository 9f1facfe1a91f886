/**
 * How far one group has come on one partition. All that outlives the process about its deliveries:
 *
 *        floor              delivered high                      end
 *   ───────┼──────────────────────┼───────────────────────────────┼──
 *  settled │ each was delivered at │ none was delivered, except those
 *          │ least once; some are  │ that a retry is remembered of
 *          │ settled               │
 *
 * A message below `deliveredHigh` counts as delivered once without a word about it, so that the usual life of a message
 * costs no memory and a crash forgets no attempt. Only messages with another count, or with a time to wait for, have a `Retry`.
 * Whoever does not hand out in order calls `countEach`: then a bit says of each message whether it was delivered (see delivered.ts).
 *
 * A group that is moved begins anew: its settlements before that are forgotten, but for what tells a replay (`handledBefore`).
 * In the log the move replaces all that was written before it, so that recovery, which reads in order, ends up with what came after.
 *
 * Pure state: changes happen at the call, `drain` writes down what changed since the last time, and `replay` meets it again.
 */
import { assert } from "../base/assert.js";
import type { ByteReader, ByteWriter } from "../base/bytes.js";
import type { StateWriter } from "../log/state.js";
import { ChangedRuns } from "./changed-runs.js";
import { Delivered } from "./delivered.js";
import { HandledBefore } from "./handled-before.js";
import { SettledPages, type Run } from "./settled-pages.js";
import { entryTypes, readRetries, readRuns, type Retry, type RetryAt, writeRetries, writeRuns } from "./state-codec.js";

export interface ProgressPlace {
  readonly groupId: number;
  readonly partition: number;
  /** The first offset the group reads. */
  readonly start: number;
}

export class Progress {
  readonly groupId: number;
  readonly partition: number;
  /** What the group had handled before it was moved. */
  readonly handledBefore = new HandledBefore();
  readonly #settled: SettledPages;
  readonly #delivered: Delivered;
  readonly #retries = new Map<number, Retry>();
  #bytes = 0;
  /** Settled since the last drain. */
  readonly #runs = new ChangedRuns();
  /** Where the group was moved to last: from here on, what is settled was handled since then. */
  #begun: number;
  #moved = false;
  #bytesChanged = false;
  readonly #changedRetries = new Set<number>();

  constructor(place: ProgressPlace) {
    this.groupId = place.groupId;
    this.partition = place.partition;
    this.#settled = new SettledPages(place.start);
    this.#delivered = new Delivered(place.start);
    this.#begun = place.start;
  }

  get settled(): SettledPages {
    return this.#settled;
  }

  /** The first offset that is not settled. */
  get floor(): number {
    return this.#settled.floor;
  }

  get delivered(): Delivered {
    return this.#delivered;
  }

  /** Below it everything was delivered at least once. */
  get deliveredHigh(): number {
    return this.#delivered.high;
  }

  /** Messages of which more is remembered than that they were delivered once. */
  get retries(): number {
    return this.#retries.size;
  }

  /** What a queue with a bound on bytes holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages from the floor to `end` that are not settled. */
  unsettled(end: number): number {
    return Math.max(0, end - this.#settled.floor - this.#settled.above);
  }

  attempts(offset: number): number {
    return this.#retries.get(offset)?.attempts ?? (this.#delivered.has(offset) ? 1 : 0);
  }

  retry(offset: number): Retry | undefined {
    return this.#retries.get(offset);
  }

  /** Whether this call settled it. */
  settle(offset: number): boolean {
    if (!this.#settled.settle(offset)) return false;
    this.#runs.add(offset);
    this.#delivered.pass(offset, offset + 1);
    if (this.#retries.size > 0) this.#retries.delete(offset);
    return true;
  }

  /** Settles all of `from` to `to`: they do not exist, or are no longer kept. Returns how many were not settled before. */
  settleRange(from: number, to: number): number {
    if (to <= from) return 0;
    const count = this.#settled.settleRange(from, to);
    if (count === 0) return 0;
    this.#runs.addRange(from, to);
    this.#delivered.pass(from, to);
    this.#forgetRetries(from, to);
    return count;
  }

  /** Begins anew: everything below `offset` counts as settled, and nothing from it on was ever delivered. */
  moveTo(offset: number): void {
    this.handledBefore.add(this.#handled());
    this.#beginAt(offset);
    this.#runs.clear();
    this.#changedRetries.clear();
    this.#moved = true;
  }

  /** Messages are not handed out in order: from now on each that is delivered is told by `deliver`, and none by `reach`. */
  countEach(): void {
    this.#delivered.countEach();
    // What is settled counts as delivered, also where that was read back before anybody counted.
    this.#delivered.pass(0, this.#settled.floor);
    for (const { first, count } of this.#settled.runsAbove()) this.#delivered.pass(first, first + count);
  }

  /** Everything below `offset` has now been delivered at least once. */
  reach(offset: number): void {
    this.#delivered.reach(offset);
  }

  /** Nothing from `offset` on was delivered after all, except what a retry is remembered of. */
  rewind(offset: number): void {
    assert(offset >= this.#settled.floor, "what is settled stays delivered");
    this.#delivered.rewind(offset);
  }

  /** Delivers it once more; returns the number of this attempt. */
  deliver(offset: number): number {
    const before = this.#retries.get(offset);
    const attempts = this.attempts(offset) + 1;
    if (this.#delivered.each !== undefined) this.#delivered.add(offset);
    // The first time a bit says all there is to say.
    if (before === undefined && attempts === 1 && this.#delivered.has(offset)) return 1;
    this.remember(offset, { attempts, dueAtMs: 0, firstFailedAtMs: before?.firstFailedAtMs ?? 0 });
    return attempts;
  }

  remember(offset: number, retry: Retry): void {
    assert(retry.attempts >= 0, "attempts are never less than none");
    this.#keep(offset, retry);
    this.#changedRetries.add(offset);
  }

  setBytes(bytes: number): void {
    if (bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.#bytesChanged = true;
  }

  /** What was delivered and is not settled, in order: after a restart all of it has to be delivered again. */
  *unfinished(): Generator<{ offset: number; dueAtMs: number }> {
    const delivered = this.#delivered;
    const settled = this.#settled;
    for (let at = delivered.next(settled.floor); at < Infinity; at = delivered.next(settled.nextUnsettled(at + 1))) {
      if (!settled.has(at)) yield { offset: at, dueAtMs: this.#retries.get(at)?.dueAtMs ?? 0 };
    }
  }

  /** Messages that must not be delivered before a time. */
  *delays(): Generator<{ offset: number; dueAtMs: number }> {
    for (const [offset, { dueAtMs }] of this.#retries) if (dueAtMs > 0) yield { offset, dueAtMs };
  }

  /**
   * The partition ends before what we know about it: the meta journal, which is older or younger than the log, said
   * where the group starts. What is to come must not be settled in advance.
   */
  fitTo(end: number): void {
    if (this.#settled.floor > end) this.#settled.reset(end);
    if (this.#delivered.high > end) this.#delivered.reset(end);
    this.#begun = Math.min(this.#begun, end);
    for (const offset of this.#retries.keys()) if (offset >= end) this.#retries.delete(offset);
  }

  drain(writer: StateWriter): void {
    if (this.#moved) this.#drainMove(writer);
    if (!this.#runs.isEmpty) this.#writeRuns(writer, entryTypes.settled, this.#runs.take());
    const high = this.#delivered.takeHigh();
    if (high !== undefined) {
      writer.entry(entryTypes.delivered, (body) => {
        this.#writePlace(body);
        body.varint(high);
      });
    }
    const delivered = this.#delivered.takeRuns(this.#settled.floor);
    if (delivered.length > 0) this.#writeRuns(writer, entryTypes.deliveredEach, delivered);
    if (this.#changedRetries.size > 0) this.#drainRetries(writer);
    if (this.#bytesChanged) {
      this.#bytesChanged = false;
      writer.entry(entryTypes.bytes, (body) => {
        this.#writePlace(body);
        body.varint(this.#bytes);
      });
    }
  }

  /** An entry of ours again, its place already read. */
  replay(type: number, body: ByteReader): void {
    if (type === entryTypes.settled) {
      for (const run of readRuns(body)) this.#restoreRun(run);
    } else if (type === entryTypes.delivered) {
      this.#delivered.restoreHigh(body.varint());
    } else if (type === entryTypes.deliveredEach) {
      this.#delivered.restoreRuns(readRuns(body));
    } else if (type === entryTypes.retries) {
      for (const [offset, retry] of readRetries(body)) this.#keep(offset, retry);
    } else if (type === entryTypes.moved) {
      this.#beginAt(body.varint());
      this.handledBefore.restore(readRuns(body));
    } else {
      assert(type === entryTypes.bytes, `entry type ${type} is not one of progress`);
      this.#bytes = body.varint();
    }
  }

  /** The snapshot's part, after its place. Bitmap pages are stored apart. */
  writeSnapshot(body: ByteWriter): void {
    body.varint(this.#settled.floor);
    body.varint(this.#delivered.high);
    body.varint(this.#bytes);
    writeRuns(body, this.#settled.fullPages());
    writeRetries(
      body,
      [...this.#retries].sort(([one], [other]) => one - other),
    );
    body.varint(this.#begun);
    writeRuns(body, this.handledBefore.runs);
    const { each } = this.#delivered;
    body.varint(each === undefined ? 0 : 1);
    if (each !== undefined) writeRuns(body, each.fullPages());
  }

  /** `version`: that of the snapshot. */
  readSnapshot(body: ByteReader, version: number): void {
    this.#settled.reset(body.varint());
    this.#delivered.restore(body.varint());
    this.#bytes = body.varint();
    this.#settled.restoreFullPages(readRuns(body));
    this.#retries.clear();
    for (const [offset, retry] of readRetries(body)) this.#retries.set(offset, retry);
    if (version === 1) return;
    this.#begun = body.varint();
    this.handledBefore.restore(readRuns(body));
    if (version > 2 && body.varint() === 1) this.#delivered.restoreEach(readRuns(body));
  }

  *#handled(): Generator<Run> {
    const count = this.#settled.floor - this.#begun;
    if (count > 0) yield { first: this.#begun, count };
    yield* this.#settled.runsAbove();
  }

  #beginAt(offset: number): void {
    this.#settled.reset(offset);
    this.#begun = offset;
    this.#delivered.reset(offset);
    this.#retries.clear();
  }

  #keep(offset: number, retry: Retry): void {
    const usual = this.#delivered.has(offset) ? 1 : 0;
    const plain = retry.attempts === usual && retry.dueAtMs === 0 && retry.firstFailedAtMs === 0;
    if (plain || this.#settled.has(offset)) this.#retries.delete(offset);
    else this.#retries.set(offset, retry);
  }

  #drainMove(writer: StateWriter): void {
    this.#moved = false;
    writer.entry(entryTypes.moved, (body) => {
      this.#writePlace(body);
      body.varint(this.#begun);
      writeRuns(body, this.handledBefore.runs);
    });
  }

  #writeRuns(writer: StateWriter, type: number, runs: readonly Run[]): void {
    writer.entry(type, (body) => {
      this.#writePlace(body);
      writeRuns(body, runs);
    });
  }

  #drainRetries(writer: StateWriter): void {
    const changed: RetryAt[] = [];
    for (const offset of [...this.#changedRetries].sort(ascending)) {
      if (this.#settled.has(offset)) continue;
      const retry = this.#retries.get(offset);
      changed.push([offset, retry ?? { attempts: this.attempts(offset), dueAtMs: 0, firstFailedAtMs: 0 }]);
    }
    this.#changedRetries.clear();
    if (changed.length === 0) return;
    writer.entry(entryTypes.retries, (body) => {
      this.#writePlace(body);
      writeRetries(body, changed);
    });
  }

  #writePlace(body: ByteWriter): void {
    body.varint(this.groupId);
    body.varint(this.partition);
  }

  #restoreRun(run: Run): void {
    const end = run.first + run.count;
    this.#settled.settleRange(run.first, end);
    this.#delivered.pass(run.first, end);
    this.#forgetRetries(run.first, end);
  }

  #forgetRetries(from: number, to: number): void {
    if (this.#retries.size === 0) return;
    for (const offset of this.#retries.keys()) if (offset >= from && offset < to) this.#retries.delete(offset);
  }
}

function ascending(one: number, other: number): number {
  return one - other;
}

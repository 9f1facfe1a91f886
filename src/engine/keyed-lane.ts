/**
 * A lane in which each key has its order: of the messages of one key one is on its way at a time, the first that is not settled; any
 * number of keys side by side. A message without a key waits for nobody.
 *
 *   log ── read in order ──▶ key idle? ── yes ──▶ leased ── done ──▶ the next one parked behind it is opened ──▶ leased …
 *                               └─ no ──▶ parked                ▲
 *                                          retry, lease ended ──┘ stays the first of its key until it is settled
 *
 * Nothing is read twice and nothing is searched: a message is parked when its key is busy, and found by its offset when it is opened.
 * What is parked is known only to this process; after a restart the log is read again from the floor.
 */
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import { type BusyKey, BusyKeys } from "./busy-keys.js";
import { Deque } from "./deque.js";
import type { Retrying } from "./group-source.js";
import { LeasedRecord } from "./leases.js";
import type { Progress } from "./progress.js";
import { RecordLookup, RecordStream } from "./record-lookup.js";
import { WorkLane, type WorkLaneHome } from "./work-lane.js";

/** So many messages are read in one turn of a take; others have theirs in between. */
const turnRecords = 5_000;
/** Keys that wait for long take their messages from as many places of the log: so much of these is kept in memory. */
const lookedUpBytesMax = 16 * 1024 * 1024;
/** Stretches that are settled are stepped over from this length on; shorter ones are read, which is cheaper. */
const skippedMin = 1_000;

/** Knows its key, so that settling it needs no look-up. */
class KeyedLease extends LeasedRecord {
  busy: BusyKey | undefined = undefined;
}

export class KeyedLane extends WorkLane {
  readonly #keys: BusyKeys;
  /** Keys whose holder was parked and may be handed out. */
  readonly #opened = new Deque<BusyKey>();
  /** Keys whose holder comes back: it is on its way to the disk, or waits for its time. By offset. */
  readonly #held = new Map<number, BusyKey>();
  readonly #fresh: RecordStream;
  /** Everything below was read. */
  #read: number;
  #lookup: RecordLookup | undefined;
  #goesOn = false;
  #saidFull = false;

  constructor(home: WorkLaneHome, source: Partition, progress: Progress) {
    super(home, source, progress);
    progress.countEach();
    this.#keys = new BusyKeys(home.limits.parkedBytesMax);
    this.#read = progress.floor;
    this.#fresh = new RecordStream(source, this.#read);
  }

  override get hasFresh(): boolean {
    return this.#opened.length > 0 || this.#fresh.peek() !== undefined;
  }

  /** Where reading has paused at its limit, all that is behind waits as well. */
  override get parked(): number {
    const unread = this.heldBack === undefined ? 0 : this.source.endOffset - this.#read;
    return this.#keys.parked + unread;
  }

  /** Whether it waits until another message of its key is settled. */
  override isParked(record: RecordView): boolean {
    const busy = record.key === undefined ? undefined : this.#keys.get(record.key);
    return busy !== undefined && busy.holder !== record.offset;
  }

  override waitsFor(record: RecordView): number | undefined {
    const busy = record.key === undefined ? undefined : this.#keys.get(record.key);
    return busy === undefined || busy.holder === record.offset ? undefined : busy.holder;
  }

  override done(lease: LeasedRecord): boolean {
    super.done(lease);
    const busy = busyOf(lease);
    return busy !== undefined && this.#advance(busy);
  }

  override retry(lease: LeasedRecord, retrying: Retrying): void {
    super.retry(lease, retrying);
    const busy = busyOf(lease);
    if (busy === undefined) return;
    // What has expired meanwhile is not delivered any more: its key goes on.
    if (this.expiry?.isExpired(lease.record) !== true) this.#held.set(lease.record.offset, busy);
    else if (this.#advance(busy)) this.#goOnSoon();
  }

  override remove(record: RecordView): boolean {
    if (!super.remove(record)) return false;
    // Not at once: whoever removes is in the middle of a commit.
    if (this.gone(record.offset)) this.#goOnSoon();
    return true;
  }

  override drop(offset: number): void {
    super.drop(offset);
    if (this.gone(offset)) this.#goOnSoon();
  }

  protected override deliverFresh(leases: LeasedRecord[], count: number): void {
    this.#deliverOpened(leases, count);
    for (let looked = 0; leases.length < count; looked++) {
      if (looked === turnRecords) return this.#goOnSoon();
      if (!this.#keys.hasRoom) return this.#holdBack();
      this.heldBack = undefined;
      const record = this.#fresh.next();
      this.#reach(record?.offset ?? Math.min(this.#fresh.position, this.source.endOffset));
      if (record === undefined) return;
      this.#read++;
      if (this.progress.settled.has(record.offset)) this.#skipSettled();
      else this.#place(record, leases);
    }
  }

  protected override freshFrom(offset: number): void {
    this.#keys.clear();
    this.#opened.clear();
    this.#held.clear();
    this.#lookup = undefined;
    this.#read = offset;
    this.#fresh.seek(offset);
  }

  /** What comes back is the first of its key. */
  protected override leaseOf(record: RecordView, attempt: number): LeasedRecord {
    const { offset, key } = record;
    const held = this.#held.get(offset);
    if (held !== undefined) this.#held.delete(offset);
    // It was delivered before a restart, and reading has not come to it yet.
    const busy = held ?? (key === undefined ? undefined : (this.#keys.get(key) ?? this.#keys.occupy(key, offset)));
    // Another holder: damage has taken away what was known of an earlier message, and that one goes out again beside this one.
    if (busy?.holder !== offset) return super.leaseOf(record, attempt);
    return this.#leaseFor(busy, record, attempt);
  }

  protected override gone(offset: number): boolean {
    const busy = this.#held.get(offset);
    return this.#held.delete(offset) && busy !== undefined && this.#advance(busy);
  }

  #deliverOpened(leases: LeasedRecord[], count: number): void {
    const { settled } = this.progress;
    while (leases.length < count) {
      const busy = this.#opened.first;
      if (busy === undefined) {
        if (this.#keys.parked === 0) this.#lookup = undefined;
        return;
      }
      const { holder } = busy;
      this.#lookup ??= new RecordLookup(this.source, lookedUpBytesMax);
      const record = settled.has(holder) ? undefined : this.#lookup.find(holder);
      this.#opened.shift();
      if (record !== undefined && this.expiry?.isExpired(record) !== true) {
        leases.push(this.#leaseFor(busy, record, this.progress.deliver(holder)));
      } else {
        if (record === undefined && !settled.has(holder)) this.vanish(holder, holder + 1);
        this.#advance(busy);
      }
    }
  }

  /** A message that was not settled, read for the first time by this process. */
  #place(record: RecordView, leases: LeasedRecord[]): void {
    const { offset, key } = record;
    // It is buried where it lies, and nobody waits for it.
    if (this.expiry?.isExpired(record) === true) return;
    // It was delivered before a restart: it comes back by itself.
    const comesBack = this.progress.delivered.has(offset);
    if (key === undefined) {
      if (!comesBack) leases.push(new LeasedRecord(record, this, this.progress.deliver(offset)));
      return;
    }
    const known = this.#keys.get(key);
    if (known !== undefined) {
      if (known.holder !== offset) this.#keys.park(known, offset);
      return;
    }
    const busy = this.#keys.occupy(key, offset);
    if (comesBack) this.#held.set(offset, busy);
    else leases.push(this.#leaseFor(busy, record, this.progress.deliver(offset)));
  }

  #leaseFor(busy: BusyKey, record: RecordView, attempt: number): LeasedRecord {
    const lease = new KeyedLease(record, this, attempt);
    lease.busy = busy;
    return lease;
  }

  /** Reading has come to `offset`: what it jumped over does not exist, or is settled. */
  #reach(offset: number): void {
    if (offset <= this.#read) return;
    if (this.progress.settled.nextUnsettled(this.#read) < offset) this.vanish(this.#read, offset);
    this.#read = offset;
  }

  #skipSettled(): void {
    const next = this.progress.settled.nextUnsettled(this.#read);
    if (next - this.#read < skippedMin) return;
    this.#read = Math.min(next, this.source.endOffset);
    this.#fresh.seek(this.#read);
  }

  #holdBack(): void {
    if (!this.#saidFull) this.home.heldBack("parkedBytesMax");
    this.#saidFull = true;
    this.heldBack = "parkedBytesMax";
  }

  /** The holder is settled. Whether that opens another message. */
  #advance(busy: BusyKey): boolean {
    const opens = this.#keys.advance(busy);
    // Said again only after it was out of the question: at the limit it is reached and left with every message.
    if (this.#saidFull && this.#keys.parkedBytes < this.home.limits.parkedBytesMax / 2) this.#saidFull = false;
    if (!opens) return false;
    this.#opened.push(busy);
    return true;
  }

  #goOnSoon(): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    this.home.clock.soon(() => {
      this.#goesOn = false;
      this.home.ready();
    });
  }
}

function busyOf(lease: LeasedRecord): BusyKey | undefined {
  return lease instanceof KeyedLease ? lease.busy : undefined;
}

/**
 * What waits of a partition in which only the messages of one key have an order. A message that comes back waits here, and behind
 * it whatever comes of its key; other keys pass by. A message without a key waits for itself alone.
 *
 *   key A    12 (due in 4 s)  15  19         handed out from the front, the front not before it is due
 *   key B    13 (due)                        and not before the log holds its count
 *   –        14 (due)
 *
 * Offsets and nothing else are kept, and the owner bounds how many; where they lie in the log says the rest.
 */
import { RetryQueue } from "./retry-queue.js";

const cutAfter = 1024;

interface Waiting {
  /** The key, or of a message that has none its offset. */
  readonly of: string | number;
  /** Ascending, from `next` on; what lies before is cut off only now and then, because that moves the rest. */
  readonly offsets: number[];
  next: number;
  /** What waits must not go out before this period of the journal is durable. */
  period: number;
}

export class Parking {
  /** Monotonic times before which a message must not be delivered again, by offset. The owner's. */
  readonly #delays: ReadonlyMap<number, number>;
  readonly #waiting = new Map<string | number, Waiting>();
  /** The fronts that the log holds the count of. One whose message is no front any more is passed over. */
  readonly #fronts = new RetryQueue();
  readonly #byFront = new Map<number, Waiting>();
  /** Their counts are on the way to the log. */
  #returning: Waiting[] = [];
  #size = 0;

  constructor(delays: ReadonlyMap<number, number>) {
    this.#delays = delays;
  }

  /** Messages that wait. */
  get size(): number {
    return this.#size;
  }

  /** When the first of them is due; Infinity when there is none, or none whose count is durable. */
  get firstDueMs(): number {
    this.#passStale();
    return this.#fronts.firstDueMs;
  }

  /** Whether a message of this key has to wait behind others. */
  holds(key: string | undefined): boolean {
    return key !== undefined && this.#waiting.has(key);
  }

  /** The first that waits of this key. */
  frontOf(key: string | undefined): number | undefined {
    const waiting = key === undefined ? undefined : this.#waiting.get(key);
    return waiting?.offsets[waiting.next];
  }

  /** One that waits; undefined when none does. */
  get anyFront(): number | undefined {
    for (const { offsets, next } of this.#waiting.values()) return offsets[next];
    return undefined;
  }

  /** It waits behind all of its key, whose counts are known already. */
  append(key: string | undefined, offset: number): void {
    const waiting = this.#of(key ?? offset);
    waiting.offsets.push(offset);
    this.#size++;
    this.#putUp(waiting);
  }

  /** It comes back, to its place within its key, and may go out once `period` is durable. */
  putBack(key: string | undefined, offset: number, period: number): void {
    const waiting = this.#of(key ?? offset);
    const { offsets } = waiting;
    let at = waiting.next;
    while (at < offsets.length && (offsets[at] as number) < offset) at++;
    const front = offsets[waiting.next];
    if (at === waiting.next && front !== undefined) this.#byFront.delete(front);
    if (at === waiting.next && at > 0) offsets[--waiting.next] = offset;
    else offsets.splice(at, 0, offset);
    this.#size++;
    if (waiting.period === 0) this.#returning.push(waiting);
    waiting.period = period;
  }

  /** Every count up to `period` is durable. Whether that lets something go. */
  durable(period: number): boolean {
    const before = this.#returning;
    if (before.length === 0) return false;
    this.#returning = before.filter((waiting) => waiting.period > period);
    for (const waiting of before) {
      if (waiting.period > period) continue;
      waiting.period = 0;
      this.#putUp(waiting);
    }
    return this.#returning.length < before.length;
  }

  /** Takes out the front that has been due for longest; undefined when none is. The next of its key moves up. */
  take(nowMs: number): number | undefined {
    this.#passStale();
    if (this.#fronts.firstDueMs > nowMs) return undefined;
    const offset = this.#fronts.pop();
    const waiting = this.#byFront.get(offset) as Waiting;
    this.#byFront.delete(offset);
    waiting.next++;
    this.#size--;
    if (waiting.next === waiting.offsets.length) this.#forget(waiting);
    else this.#putUp(waiting);
    if (waiting.next >= cutAfter) {
      waiting.offsets.splice(0, waiting.next);
      waiting.next = 0;
    }
    return offset;
  }

  #of(of: string | number): Waiting {
    let waiting = this.#waiting.get(of);
    if (waiting === undefined) this.#waiting.set(of, (waiting = { of, offsets: [], next: 0, period: 0 }));
    return waiting;
  }

  #putUp(waiting: Waiting): void {
    const front = waiting.offsets[waiting.next];
    if (waiting.period > 0 || front === undefined || this.#byFront.has(front)) return;
    this.#byFront.set(front, waiting);
    this.#fronts.push(front, this.#delays.get(front) ?? 0);
  }

  #forget(waiting: Waiting): void {
    this.#waiting.delete(waiting.of);
    if (waiting.period > 0) this.#returning = this.#returning.filter((each) => each !== waiting);
  }

  /** An entry is worth nothing when its message is no front any more, or has come back since and got another delay. */
  #passStale(): void {
    while (this.#fronts.size > 0) {
      const { firstOffset, firstDueMs } = this.#fronts;
      if (this.#byFront.has(firstOffset) && (this.#delays.get(firstOffset) ?? 0) === firstDueMs) return;
      this.#fronts.pop();
    }
  }
}

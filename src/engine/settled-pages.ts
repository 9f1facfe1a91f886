/**
 * Which offsets of one partition a group has settled: a floor, below which all are, and bitmaps above it.
 *
 *      floor                 page 1              page 2              page 3
 *   ─────┼──────────────┬───────────────────┬───────────────────┬──────────────
 *   all  │ 0110…        │ full: no bitmap   │ 1011… (4 KiB)     │ none: no bitmap
 *
 * A page is 32,768 offsets. Pages below the floor and pages without a bit are not kept, full ones are a word, so that
 * memory follows the holes, not the backlog. No bit is ever cleared, which makes replay idempotent; a group that is moved
 * begins with new pages (`reset`), and its progress says from where on.
 * What was delivered is remembered the same way where that needs a bit a message (see delivered.ts).
 */
import { assert } from "../base/assert.js";

/** Offsets of one page. */
export const pageOffsets = 32_768;
/** One page as bytes: offset n of the page is bit n % 8 of byte n / 8. */
export const pageBytes: number = pageOffsets / 8;

/** What a snapshot has to store of one page, or that it need not store it any more. */
export interface ChangedPage {
  readonly page: number;
  readonly bytes: Uint8Array | undefined;
}

/** `count` offsets, or pages, from `first` on. */
export interface Run {
  readonly first: number;
  readonly count: number;
}

/** How many bits of a byte are set. */
const ones = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

class Page {
  readonly bits: Uint8Array;
  count: number;
  changed = false;

  constructor(bits: Uint8Array) {
    this.bits = bits;
    this.count = onesIn(bits);
  }

  has(position: number): boolean {
    return ((this.bits[position >>> 3] as number) & (1 << (position & 7))) !== 0;
  }

  /** Whether the bit was not set before. */
  set(position: number): boolean {
    const byte = this.bits[position >>> 3] as number;
    const mask = 1 << (position & 7);
    if ((byte & mask) !== 0) return false;
    this.bits[position >>> 3] = byte | mask;
    this.count++;
    this.changed = true;
    return true;
  }

  countIn(from: number, to: number): number {
    let count = 0;
    for (let position = from; position < to; position++) if (this.has(position)) count++;
    return count;
  }

  /** How many bits from `position` on are not set. */
  clearFrom(position: number): number {
    if (position === 0) return pageOffsets - this.count;
    const byte = (position + 7) >>> 3;
    const set = this.countIn(position, byte * 8) + onesIn(this.bits.subarray(byte));
    return pageOffsets - position - set;
  }

  /** The position whose bit is not set and that has `rank` such before it, from `position` on. */
  clearAt(position: number, rank: number): number {
    let at = position;
    for (let left = rank; ; at++) {
      if ((at & 7) === 0) {
        for (let clear = this.#clearOf(at); clear <= left; clear = this.#clearOf(at)) {
          left -= clear;
          at += 8;
        }
      }
      if (!this.has(at) && left-- === 0) return at;
    }
  }

  #clearOf(position: number): number {
    return 8 - (ones[this.bits[position >>> 3] as number] as number);
  }

  /** The first position from `position` on whose bit is not set; `pageOffsets` when all are. */
  nextClear(position: number): number {
    let at = position;
    while (at < pageOffsets) {
      if ((at & 7) === 0 && this.bits[at >>> 3] === 255) at += 8;
      else if (this.has(at)) at++;
      else break;
    }
    return at;
  }

  /** The first position from `position` on whose bit is set; `pageOffsets` when none is. */
  nextSet(position: number): number {
    let at = position;
    while (at < pageOffsets) {
      if ((at & 7) === 0 && this.bits[at >>> 3] === 0) at += 8;
      else if (!this.has(at)) at++;
      else break;
    }
    return at;
  }
}

/** Of which nothing is settled. */
const none = new Page(new Uint8Array(pageBytes));

export class SettledPages {
  #floor: number;
  /** Settled offsets at or above the floor. */
  #above = 0;
  readonly #pages = new Map<number, Page | "full">();
  /** Pages that the last snapshot stored as bitmaps. */
  readonly #stored = new Set<number>();

  constructor(floor: number) {
    assert(Number.isSafeInteger(floor) && floor >= 0, `the floor ${floor} must be an offset`);
    this.#floor = floor;
  }

  /** The first offset that is not settled. */
  get floor(): number {
    return this.#floor;
  }

  /** How many offsets above the floor are settled. */
  get above(): number {
    return this.#above;
  }

  has(offset: number): boolean {
    if (offset < this.#floor) return true;
    if (this.#above === 0) return false;
    const page = this.#pages.get(numberOf(offset));
    return page !== undefined && (page === "full" || page.has(offset % pageOffsets));
  }

  /** Whether this call settled it: false when it was settled before. */
  settle(offset: number): boolean {
    if (offset === this.#floor) {
      this.#floor++;
      if (this.#above > 0) this.#skipSettled();
      else if (this.#pages.size > 0) this.#dropPassed();
      return true;
    }
    if (offset < this.#floor || !this.#set(offset)) return false;
    this.#above++;
    return true;
  }

  /** Settles `from` up to, not including, `to`. Returns how many of them were not settled before. */
  settleRange(from: number, to: number): number {
    if (to <= this.#floor || to <= from) return 0;
    if (from <= this.#floor) return this.#raiseFloor(to);
    const before = this.#above;
    let offset = from;
    while (offset < to) {
      const page = numberOf(offset);
      const pageEnd = (page + 1) * pageOffsets;
      const end = Math.min(to, pageEnd);
      if (offset === page * pageOffsets && end === pageEnd) this.#fill(page);
      else this.#setAll(offset, end);
      offset = end;
    }
    return this.#above - before;
  }

  /** The first offset from `from` on that is not settled. */
  nextUnsettled(from: number): number {
    if (from <= this.#floor) return this.#floor;
    let offset = from;
    while (this.#above > 0) {
      const number = numberOf(offset);
      const page = this.#pages.get(number);
      if (page === undefined) break;
      const start = number * pageOffsets;
      const clear = page === "full" ? pageOffsets : page.nextClear(offset - start);
      offset = start + clear;
      if (clear < pageOffsets) break;
    }
    return offset;
  }

  /** The first offset from `from` on that is settled; Infinity when there is none. */
  nextSettled(from: number): number {
    if (from < this.#floor) return from;
    if (this.#above === 0) return Infinity;
    for (const number of this.#numbersInOrder()) {
      const start = number * pageOffsets;
      const at = Math.max(0, from - start);
      if (at >= pageOffsets) continue;
      const page = this.#pages.get(number);
      const set = page instanceof Page ? page.nextSet(at) : at;
      if (set < pageOffsets) return start + set;
    }
    return Infinity;
  }

  /** The offset that is not settled and has `rank` such before it. */
  unsettledAt(rank: number): number {
    let left = rank;
    let number = numberOf(this.#floor);
    let from = this.#floor - number * pageOffsets;
    for (; ; number++) {
      const page = this.#pages.get(number) ?? none;
      const clear = page === "full" ? 0 : page.clearFrom(from);
      if (page !== "full" && left < clear) return number * pageOffsets + page.clearAt(from, left);
      left -= clear;
      from = 0;
    }
  }

  /** How many offsets of `from` up to, not including, `to` are settled. */
  countIn(from: number, to: number): number {
    const below = Math.max(0, Math.min(to, this.#floor) - from);
    let count = 0;
    if (this.#above === 0) return below;
    for (const [number, page] of this.#pages) {
      const start = number * pageOffsets;
      const first = Math.max(from, this.#floor, start);
      const end = Math.min(to, start + pageOffsets);
      if (first >= end) continue;
      if (page === "full") count += end - first;
      else count += page.countIn(first - start, end - start);
    }
    return below + count;
  }

  /** Forgets everything: nothing from `floor` on is settled, and all below it is. What is stored of the old pages goes with the next snapshot. */
  reset(floor: number): void {
    assert(Number.isSafeInteger(floor) && floor >= 0, `the floor ${floor} must be an offset`);
    this.#floor = floor;
    this.#above = 0;
    this.#pages.clear();
  }

  /** What is settled above the floor, in order. Runs may touch at the borders of pages. */
  *runsAbove(): Generator<Run> {
    if (this.#above === 0) return;
    for (const number of this.#numbersInOrder()) {
      const start = number * pageOffsets;
      const page = this.#pages.get(number);
      let first = -1;
      for (let offset = Math.max(start, this.#floor); offset <= start + pageOffsets; offset++) {
        const isSet = offset < start + pageOffsets && (page === "full" || page?.has(offset - start) === true);
        if (isSet && first < 0) first = offset;
        if (isSet || first < 0) continue;
        yield { first, count: offset - first };
        first = -1;
      }
    }
  }

  /** Runs of full pages above the floor, in order: for the snapshot's body. */
  fullPages(): Run[] {
    const runs: { first: number; count: number }[] = [];
    for (const number of this.#numbersInOrder()) {
      if (this.#pages.get(number) !== "full") continue;
      const last = runs.at(-1);
      if (last !== undefined && last.first + last.count === number) last.count++;
      else runs.push({ first: number, count: 1 });
    }
    return runs;
  }

  /** Bitmaps that differ from those of the last call. The bytes are copies. */
  takeChangedPages(): ChangedPage[] {
    const changes: ChangedPage[] = [];
    for (const number of this.#stored) {
      if (this.#above > 0 && this.#pages.get(number) instanceof Page) continue;
      this.#stored.delete(number);
      changes.push({ page: number, bytes: undefined });
    }
    if (this.#above === 0) return changes;
    for (const [number, page] of this.#pages) {
      if (page === "full" || (!page.changed && this.#stored.has(number))) continue;
      page.changed = false;
      this.#stored.add(number);
      changes.push({ page: number, bytes: new Uint8Array(page.bits) });
    }
    return changes;
  }

  /** What `fullPages` told when the snapshot was taken. */
  restoreFullPages(runs: readonly Run[]): void {
    for (const run of runs) this.settleRange(run.first * pageOffsets, (run.first + run.count) * pageOffsets);
  }

  /** What `takeChangedPages` told last about this page. Once for each page, before anything else is settled. */
  restorePage(number: number, bytes: Uint8Array): void {
    assert(bytes.length === pageBytes, `a page has ${pageBytes} bytes, not ${bytes.length}`);
    // Not `slice`: of a Buffer that is a view, and a page that is written later must not change meanwhile.
    const page = new Page(new Uint8Array(bytes));
    this.#stored.add(number);
    const start = number * pageOffsets;
    const passed = Math.min(Math.max(0, this.#floor - start), pageOffsets);
    const above = page.count - page.countIn(0, passed);
    if (above === 0) return;
    this.#pages.set(number, page.count === pageOffsets ? "full" : page);
    this.#above += above;
    this.#skipSettled();
  }

  #set(offset: number): boolean {
    const number = numberOf(offset);
    let page = this.#pages.get(number);
    if (page === "full") return false;
    if (page === undefined) this.#pages.set(number, (page = new Page(new Uint8Array(pageBytes))));
    if (!page.set(offset % pageOffsets)) return false;
    if (page.count === pageOffsets) this.#pages.set(number, "full");
    return true;
  }

  #setAll(from: number, to: number): void {
    for (let offset = from; offset < to; offset++) if (this.#set(offset)) this.#above++;
  }

  #fill(number: number): void {
    const page = this.#pages.get(number);
    if (page === "full") return;
    this.#pages.set(number, "full");
    this.#above += pageOffsets - (page?.count ?? 0);
  }

  #raiseFloor(to: number): number {
    const settledBefore = this.countIn(this.#floor, to);
    const fresh = to - this.#floor - settledBefore;
    this.#above -= settledBefore;
    this.#floor = to;
    this.#dropPassed();
    if (this.#above > 0) this.#skipSettled();
    return fresh;
  }

  /** The floor itself is settled as long as a bit or a full page says so: moves it past them. */
  #skipSettled(): void {
    let number = numberOf(this.#floor);
    if (this.#floor % pageOffsets === 0) this.#pages.delete(number - 1);
    for (let page = this.#pages.get(number); page !== undefined; page = this.#pages.get(++number)) {
      const start = number * pageOffsets;
      const clear = page === "full" ? pageOffsets : page.nextClear(this.#floor - start);
      this.#above -= start + clear - this.#floor;
      this.#floor = start + clear;
      if (clear < pageOffsets) break;
      this.#pages.delete(number);
    }
    assert(this.#above >= 0, "more offsets were passed than were settled");
  }

  #dropPassed(): void {
    const first = numberOf(this.#floor);
    for (const number of this.#pages.keys()) if (number < first) this.#pages.delete(number);
  }

  #numbersInOrder(): number[] {
    return [...this.#pages.keys()].sort((one, other) => one - other);
  }
}

function numberOf(offset: number): number {
  return Math.floor(offset / pageOffsets);
}

function onesIn(bits: Uint8Array): number {
  let count = 0;
  for (const byte of bits) count += ones[byte] as number;
  return count;
}

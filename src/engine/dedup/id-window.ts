/**
 * The ids that were seen within the last while, for one purpose of one owner: what was sent to a channel, or what a group has done.
 * The window is cut into slices of a tenth of it; a slice goes as a whole, once the last id in it has been there for the window. So an
 * id is remembered for its window at least, and for a tenth of it longer at most.
 *
 *        gone          alive: its ids count                              now
 *   ──────────────┬────────┬────────┬────────┬────────┬────────┬───────────┤
 *                 │ 17     │ 18     │ 19     │ 20     │ 21     │ 22 gathers│
 *
 * What is new since the last commit is an entry in the very commit that it belongs to; what is new since the last checkpoint becomes
 * pages of its slice's file, which are written once and go with the slice.
 */
import { assert } from "../../base/assert.js";
import type { ByteReader, ByteWriter } from "../../base/bytes.js";
import type { Clock } from "../../base/clock.js";
import { Hash96, type HashSeed } from "../../base/hash96.js";
import type { PageChange, StateSource, StateWriter } from "../../log/state.js";
import { aliveMost, IdTable, numbersMost } from "./id-table.js";
import { FreshIds, type IdWindowPlace, readHashes, writeEntry, writePlace } from "./id-codec.js";
import { Pages } from "./id-pages.js";
import { WindowClock } from "./window-clock.js";

/** Of the window, and of the ids that may be in it. */
const slicesWanted = 10;

interface Slice {
  /** Names its file. */
  readonly sequence: number;
  readonly number: number;
  readonly beganAtMs: number;
  lastAtMs: number;
  ids: number;
  pages: number;
}

export interface IdWindowLimit {
  readonly idsMax: number;
  /** Ids have to go before their time, for the first time. */
  reached(window: IdWindow): void;
}

const noLimit: IdWindowLimit = { idsMax: Infinity, reached: () => {} };

export class IdWindow implements StateSource {
  readonly place: IdWindowPlace;
  readonly #seed: HashSeed;
  readonly #hash: Hash96;
  readonly #time = new WindowClock();
  readonly #fresh = new FreshIds();
  readonly #slices: Slice[] = [];
  #table = new IdTable();
  #windowMs: number;
  #limit: IdWindowLimit = noLimit;
  #sequence = 0;
  #number = 0;
  #size = 0;
  #forgotten = 0;
  #hasUnwritten = false;
  /** When `has` was asked last. */
  #nowMs = 0;
  /** Slices that have gone since the last checkpoint, and had pages. */
  #gone: { readonly sequence: number; readonly pages: number }[] = [];

  constructor(place: IdWindowPlace, seed: HashSeed, windowMs: number) {
    this.place = place;
    this.#seed = seed;
    this.#hash = new Hash96(seed);
    this.#windowMs = windowMs;
  }

  /** Ids that are remembered. */
  get size(): number {
    return this.#size;
  }

  /** Ids that had to go before their time. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Of the table, in memory. */
  get bytes(): number {
    return this.#table.bytes;
  }

  get windowMs(): number {
    return this.#windowMs;
  }

  set windowMs(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** From now on time passes by this clock. */
  begin(clock: Clock, limit: IdWindowLimit): void {
    this.#time.begin(clock);
    this.#limit = limit;
    this.#nowMs = this.#time.nowMs;
    this.#dropExpired(this.#nowMs);
  }

  has(id: string): boolean {
    this.#nowMs = this.#time.nowMs;
    this.#dropExpired(this.#nowMs);
    return this.#table.has(this.#hash.of(id));
  }

  /** Of the id that `has` was asked for last, and that it does not have. Whether it is the first since the log took what is new: then the log has to be told. */
  add(id: string): boolean {
    this.#put(this.#hash.of(id), this.#nowMs);
    const isFirst = this.#fresh.count === 0;
    this.#fresh.push(this.#hash);
    return isFirst;
  }

  drain(writer: StateWriter): void {
    writeEntry(writer, this.#fresh, (body) => this.#writeHead(body));
    this.#fresh.clear();
  }

  /**
   * An entry of ours again, from behind its place and its seed. What it names was new, whatever the table says: as times are written down,
   * by the commit, an older sighting of the id may look alive that was not any more. It counts from this one.
   */
  replay(body: ByteReader): void {
    this.#windowMs = body.varint();
    this.#time.read(body);
    const { nowMs } = this.#time;
    this.#dropExpired(nowMs);
    for (const hash of readHashes(body, this.#hash)) {
      if (!this.#table.isIn(hash, this.#sliceAt(nowMs).number)) this.#put(hash, nowMs);
    }
  }

  writeSnapshot(body: ByteWriter): void {
    this.#writeHead(body);
    body.varint(this.#sequence);
    body.varint(this.#slices.length);
    for (const slice of this.#slices) {
      body.varint(slice.sequence);
      body.varint(slice.beganAtMs);
      body.varint(slice.lastAtMs);
      body.varint(slice.pages);
      body.varint(slice.ids);
    }
  }

  /** From behind its place and its seed. Its pages come next. */
  readSnapshot(body: ByteReader): void {
    this.#windowMs = body.varint();
    this.#time.read(body);
    this.#sequence = body.varint();
    let ids = 0;
    for (let left = body.varint(); left > 0; left--) {
      const number = this.#nextNumber();
      const sequence = body.varint();
      const times = { beganAtMs: body.varint(), lastAtMs: body.varint() };
      this.#slices.push({ sequence, number, ...times, ids: 0, pages: body.varint() });
      ids += body.varint();
    }
    this.#table.expect(ids);
  }

  restorePage(sequence: number, bytes: Uint8Array): void {
    const slice = this.#slices.find((each) => each.sequence === sequence);
    // Gone by the time of the snapshot: its file goes with the next one.
    if (slice === undefined) return;
    for (const hash of readHashes(bytes, this.#hash)) {
      if (this.#table.isIn(hash, slice.number)) continue;
      this.#table.add(hash, slice.number, true);
      slice.ids++;
      this.#size++;
    }
  }

  /** What a checkpoint taken now has to write. Comes before the snapshot, which tells how many pages each slice has. */
  takePages(): PageChange[] {
    this.#dropExpired(this.#time.nowMs);
    const pages = new Pages(this.place);
    for (const { sequence, pages: count } of this.#gone) pages.remove(sequence, count);
    this.#gone = [];
    if (!this.#hasUnwritten) return pages.changes;
    this.#hasUnwritten = false;
    const byNumber = new Map(this.#slices.map((slice) => [slice.number, slice]));
    this.#table.takeUnwritten((words, at, number) => {
      const slice = byNumber.get(number);
      if (slice !== undefined) pages.add(slice, words, at);
    });
    pages.finish();
    return pages.changes;
  }

  #writeHead(body: ByteWriter): void {
    writePlace(body, this.place, this.#seed);
    body.varint(this.#windowMs);
    this.#time.write(body);
  }

  #put(hash: Hash96, nowMs: number): void {
    if (this.#size >= this.#limit.idsMax) this.#forgetOldest();
    const slice = this.#sliceAt(nowMs);
    this.#table.add(hash, slice.number, false);
    slice.lastAtMs = nowMs;
    slice.ids++;
    this.#size++;
    this.#hasUnwritten = true;
  }

  #sliceAt(nowMs: number): Slice {
    const last = this.#slices.at(-1);
    if (last !== undefined && !this.#isFull(last, nowMs)) return last;
    const slice = { sequence: ++this.#sequence, number: this.#nextNumber(), beganAtMs: nowMs, lastAtMs: nowMs };
    const begun: Slice = { ...slice, ids: 0, pages: 0 };
    this.#slices.push(begun);
    return begun;
  }

  #isFull(slice: Slice, nowMs: number): boolean {
    if (this.#slices.length >= aliveMost) return false;
    return nowMs - slice.beganAtMs >= this.#windowMs / slicesWanted || slice.ids >= this.#limit.idsMax / slicesWanted;
  }

  #nextNumber(): number {
    this.#number = (this.#number % numbersMost) + 1;
    this.#table.begin(this.#number);
    return this.#number;
  }

  #dropExpired(nowMs: number): void {
    for (let oldest = this.#slices[0]; oldest !== undefined; oldest = this.#slices[0]) {
      if (nowMs - oldest.lastAtMs < this.#windowMs) return;
      this.#dropOldest();
    }
  }

  #forgetOldest(): void {
    const { ids } = this.#slices[0] as Slice;
    const isFirst = this.#forgotten === 0;
    this.#forgotten += ids;
    this.#dropOldest();
    if (isFirst) this.#limit.reached(this);
  }

  #dropOldest(): void {
    const oldest = this.#slices.shift();
    assert(oldest !== undefined, "there is a slice to drop");
    this.#table.end(oldest.number);
    this.#size -= oldest.ids;
    if (oldest.pages > 0) this.#gone.push(oldest);
    // Nothing is left: so is its memory.
    if (this.#slices.length === 0) this.#table = new IdTable();
  }
}

/**
 * A part of the table of ids: open addressing with linear steps, 13 bytes a place.
 *
 *   words   a · b · c of each place, the 96 bits of an id
 *   marks   of each place: 0 nothing · 1 to 127 the slice of time it was seen in · + 128 not yet in a page of that slice
 *
 * An id whose slice is no longer alive counts as not there. Its place is taken by the next id that comes past it, and what is left
 * goes when the part is built anew, which it is when it has become full, as large as what is alive in it then asks for.
 */
import type { Hash96 } from "../../base/hash96.js";

export const numberMask = 127;
export const notInPage = 128;

/**
 * Fuller, looking takes too many steps; emptier, places are wasted: 13 bytes / 0.7 is 18.5 bytes an id at most. A part that is small is given
 * more room, so that growing takes less time.
 */
const load = { most: 0.88, fresh: 0.7, small: 0.5 } as const;
const smallIds = 8_192;

const placesMin = 16;
const two32 = 4_294_967_296;

/** By number: 1 when the slice is alive. */
export type Alive = Uint8Array;

/** As if one slice alone were alive, while `isIn` asks. */
const onlyOne: Alive = new Uint8Array(numberMask + 1);

export class IdPart {
  #words: Int32Array;
  #marks: Uint8Array;
  #used = 0;

  constructor(ids = 0) {
    const places = placesFor(ids);
    this.#words = new Int32Array(places * 3);
    this.#marks = new Uint8Array(places);
  }

  get bytes(): number {
    return this.#words.byteLength + this.#marks.byteLength;
  }

  /** Places that are not free: ids that are alive, and others that still lie there. */
  get used(): number {
    return this.#used;
  }

  has(hash: Hash96, alive: Alive): boolean {
    const { a, b, c } = hash;
    const words = this.#words;
    const marks = this.#marks;
    const places = marks.length;
    let at = placeOf(b, places);
    for (let mark = marks[at] as number; mark !== 0; mark = marks[at] as number) {
      const word = at * 3;
      const isIt = words[word] === a && words[word + 1] === b && words[word + 2] === c;
      if (isIt && alive[mark & numberMask] === 1) return true;
      if (++at === places) at = 0;
    }
    return false;
  }

  /** The same for one slice: where an older sighting does not count. */
  isIn(hash: Hash96, number: number): boolean {
    onlyOne[number] = 1;
    const isIn = this.has(hash, onlyOne);
    onlyOne[number] = 0;
    return isIn;
  }

  /** Of an id that it does not have, or not under this mark: then it is there as long as one of the two. */
  add(hash: Hash96, mark: number, alive: Alive): void {
    if (this.#used >= this.#marks.length * load.most) this.rebuild(alive);
    const marks = this.#marks;
    const places = marks.length;
    let at = placeOf(hash.b, places);
    for (let met = marks[at] as number; met !== 0 && alive[met & numberMask] === 1; met = marks[at] as number) {
      if (++at === places) at = 0;
    }
    if (marks[at] === 0) this.#used++;
    marks[at] = mark;
    const word = at * 3;
    this.#words[word] = hash.a;
    this.#words[word + 1] = hash.b;
    this.#words[word + 2] = hash.c;
  }

  /** Lets go of what is not alive any more, and has as many places as the rest asks for. */
  rebuild(alive: Alive): void {
    const words = this.#words;
    const marks = this.#marks;
    let live = 0;
    for (const mark of marks) if (alive[mark & numberMask] === 1) live++;
    const places = placesFor(live);
    this.#words = new Int32Array(places * 3);
    this.#marks = new Uint8Array(places);
    this.#used = 0;
    for (let from = 0; from < marks.length; from++) {
      const mark = marks[from] as number;
      if (alive[mark & numberMask] === 1) this.#put(words, from, mark);
    }
  }

  /** Every place that is not free. */
  each(visit: (hash: readonly [a: number, b: number, c: number], mark: number) => void): void {
    for (let at = 0; at < this.#marks.length; at++) {
      const mark = this.#marks[at] as number;
      const word = at * 3;
      const words = this.#words;
      if (mark !== 0) visit([words[word] as number, words[word + 1] as number, words[word + 2] as number], mark);
    }
  }

  /** The words of those that are in no page yet, each told once. Their place in `words` is `at * 3`. */
  takeUnwritten(visit: (words: Int32Array, at: number, number: number) => void): void {
    const marks = this.#marks;
    for (let at = 0; at < marks.length; at++) {
      const mark = marks[at] as number;
      if (mark < notInPage) continue;
      marks[at] = mark & numberMask;
      visit(this.#words, at, mark & numberMask);
    }
  }

  #put(words: Int32Array, from: number, mark: number): void {
    const marks = this.#marks;
    const places = marks.length;
    let at = placeOf(words[from * 3 + 1] as number, places);
    while (marks[at] !== 0) if (++at === places) at = 0;
    marks[at] = mark;
    this.#used++;
    for (let each = 0; each < 3; each++) this.#words[at * 3 + each] = words[from * 3 + each] as number;
  }
}

function placesFor(ids: number): number {
  return Math.max(placesMin, Math.ceil((ids + 1) / (ids < smallIds ? load.small : load.fresh)));
}

function placeOf(word: number, places: number): number {
  return Math.floor(((word >>> 0) * places) / two32);
}

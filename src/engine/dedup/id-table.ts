/**
 * The ids of one window, in memory: 13 bytes each, and as much again as keeps looking short: 15 to 19 in all where there are
 * millions, up to 26 where there are fewer. A small table is one part, a large one 256, so that growing moves a 256th of it at a time.
 */
import { Hash96 } from "../../base/hash96.js";
import { type Alive, IdPart, notInPage, numberMask } from "./id-part.js";

/** Slices have the numbers 1 to 127, in turn. */
export const numbersMost: number = numberMask;

/** How many slices may be alive: the others' ids are swept out before their number comes again. */
export const aliveMost = 64;

const partsMany = 256;
const idsOfOnePart = 8_192;

/** All parts are built anew within 32 new slices; a number comes again after 127, and its slice has gone at most 64 after it began. */
const sweptParts = partsMany / 32;

/** Told of each id that is in no page yet: its words begin at `at * 3`. */
export type UnwrittenVisitor = (words: Int32Array, at: number, number: number) => void;

export class IdTable {
  #parts: IdPart[] = [new IdPart()];
  readonly #alive: Alive = new Uint8Array(numbersMost + 1);
  #sweepAt = 0;

  /**
   * So many ids are to come. Without knowing, reading them back takes its time: they come in the order of their places, and crowd the
   * front of a table that is too small.
   */
  expect(ids: number): void {
    const parts = ids > idsOfOnePart ? partsMany : 1;
    this.#parts = Array.from({ length: parts }, () => new IdPart(Math.ceil((ids / parts) * 1.02)));
  }

  get bytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.bytes, 0);
  }

  has(hash: Hash96): boolean {
    return this.#partOf(hash.a).has(hash, this.#alive);
  }

  /** Whether it was seen in that slice, and not only in another one. */
  isIn(hash: Hash96, number: number): boolean {
    return this.#partOf(hash.a).isIn(hash, number);
  }

  /** Of an id that it does not have, or not in this slice; `isWritten`: it is in a page of its slice. */
  add(hash: Hash96, number: number, isWritten: boolean): void {
    const part = this.#partOf(hash.a);
    part.add(hash, isWritten ? number : number | notInPage, this.#alive);
    if (this.#parts.length === 1 && part.used > idsOfOnePart) this.#split(part);
  }

  /** A slice begins under this number. */
  begin(number: number): void {
    this.#alive[number] = 1;
    for (let count = 0; count < Math.min(sweptParts, this.#parts.length); count++) {
      this.#sweepAt = (this.#sweepAt + 1) % this.#parts.length;
      (this.#parts[this.#sweepAt] as IdPart).rebuild(this.#alive);
    }
  }

  /** The ids of this slice are there no more. */
  end(number: number): void {
    this.#alive[number] = 0;
  }

  takeUnwritten(visit: UnwrittenVisitor): void {
    for (const part of this.#parts) part.takeUnwritten(visit);
  }

  #partOf(word: number): IdPart {
    return (this.#parts.length === 1 ? this.#parts[0] : this.#parts[word >>> 24]) as IdPart;
  }

  #split(whole: IdPart): void {
    this.#parts = Array.from({ length: partsMany }, () => new IdPart(idsOfOnePart / partsMany));
    const hash = new Hash96({ low: 0, high: 0 });
    whole.each(([a, b, c], mark) => {
      if (this.#alive[mark & numberMask] !== 1) return;
      hash.set(a, b, c);
      this.#partOf(a).add(hash, mark, this.#alive);
    });
  }
}

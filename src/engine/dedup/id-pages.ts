/** Gathers the pages that a checkpoint has to write of one window. */
import { ByteWriter } from "../../base/bytes.js";
import type { PageChange } from "../../log/state.js";
import { fileOf, hashBytes, type IdWindowPlace } from "./id-codec.js";

const pageIds = 4_096;

interface PagedSlice {
  readonly sequence: number;
  /** How many it has: numbers the next one. */
  pages: number;
}

export class Pages {
  readonly changes: PageChange[] = [];
  readonly #place: IdWindowPlace;
  readonly #open = new Map<PagedSlice, ByteWriter>();

  constructor(place: IdWindowPlace) {
    this.#place = place;
  }

  remove(sequence: number, count: number): void {
    const file = fileOf(this.#place, sequence);
    for (let page = 0; page < count; page++) this.changes.push({ file, page, bytes: undefined });
  }

  /** The id whose words begin at `at * 3`. */
  add(slice: PagedSlice, words: Int32Array, at: number): void {
    let body = this.#open.get(slice);
    if (body === undefined) this.#open.set(slice, (body = new ByteWriter(1024)));
    for (let each = at * 3; each < at * 3 + 3; each++) body.u32((words[each] as number) >>> 0);
    if (body.length === pageIds * hashBytes) this.#close(slice, body);
  }

  finish(): void {
    for (const [slice, body] of this.#open) if (body.length > 0) this.#close(slice, body);
  }

  #close(slice: PagedSlice, body: ByteWriter): void {
    this.changes.push({ file: fileOf(this.#place, slice.sequence), page: slice.pages++, bytes: body.copy() });
    body.clear();
  }
}

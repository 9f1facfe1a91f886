/**
 * How the ids that were seen are written down: as entries of the write-ahead log, in the snapshot, and as pages. Numbers are varints.
 *
 *   head         purpose · owner · seed (2 × 4 bytes) · window · time · wall time       purpose: 0 sent to a channel, 1 done by a group
 *
 *   16 ids       head · count · (a · b · c, 4 bytes each) …                             seen since the commit before
 *
 *   snapshot     count · (head · last slice · slices · (slice · began · last id at · pages · ids) …) …
 *   page         (a · b · c) …                                                          of file d/<owner>/<purpose>-<slice>, written once
 */
import { ByteReader, type ByteWriter } from "../../base/bytes.js";
import type { Hash96, HashSeed } from "../../base/hash96.js";
import type { StateWriter } from "../../log/state.js";
import { entryTypes, unsupported } from "../state-codec.js";

export const purposes = ["sent", "done"] as const;
export type Purpose = (typeof purposes)[number];

export interface IdWindowPlace {
  readonly purpose: Purpose;
  /** The number of the channel, or of the group. */
  readonly owner: number;
}

export const hashBytes = 12;

export function fileOf({ purpose, owner }: IdWindowPlace, sequence: number): string {
  return `d/${owner}/${purpose}-${sequence}`;
}

/** undefined: the file holds something else. */
export function placeOfFile(file: string): { readonly place: IdWindowPlace; readonly sequence: number } | undefined {
  const [, owner, name, sequence] = /^d\/(\d+)\/([a-z]+)-(\d+)$/.exec(file) ?? [];
  const purpose = purposes.find((each) => each === name);
  if (purpose === undefined) return undefined;
  return { place: { purpose, owner: Number(owner) }, sequence: Number(sequence) };
}

export function writePlace(body: ByteWriter, place: IdWindowPlace, seed: HashSeed): void {
  body.varint(purposes.indexOf(place.purpose));
  body.varint(place.owner);
  body.u32(seed.low >>> 0);
  body.u32(seed.high >>> 0);
}

export function readPlace(body: ByteReader): { readonly place: IdWindowPlace; readonly seed: HashSeed } {
  const number = body.varint();
  const purpose = purposes[number];
  if (purpose === undefined) throw unsupported(`ids of a purpose numbered ${number}`);
  return { place: { purpose, owner: body.varint() }, seed: { low: body.u32() | 0, high: body.u32() | 0 } };
}

/** One object for all of them, filled anew for each. */
export function* readHashes(from: ByteReader | Uint8Array, into: Hash96): Generator<Hash96> {
  const body = from instanceof ByteReader ? from : new ByteReader(from);
  const count = from instanceof ByteReader ? body.varint() : Math.floor(body.left / hashBytes);
  for (let left = count; left > 0; left--) {
    into.set(body.u32() | 0, body.u32() | 0, body.u32() | 0);
    yield into;
  }
}

/** Larger than this, what gathered for one commit is let go of. */
const keptIds = 4_096;

/** Ids that the log has not taken yet. */
export class FreshIds {
  #words = new Int32Array(0);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  push(hash: Hash96): void {
    const at = this.#count * 3;
    if (at === this.#words.length) this.#grow();
    this.#words[at] = hash.a;
    this.#words[at + 1] = hash.b;
    this.#words[at + 2] = hash.c;
    this.#count++;
  }

  write(body: ByteWriter): void {
    body.varint(this.#count);
    for (let at = 0; at < this.#count * 3; at++) body.u32((this.#words[at] as number) >>> 0);
  }

  clear(): void {
    if (this.#count > keptIds) this.#words = new Int32Array(0);
    this.#count = 0;
  }

  #grow(): void {
    const grown = new Int32Array(Math.max(12, this.#words.length * 2));
    grown.set(this.#words);
    this.#words = grown;
  }
}

export function writeEntry(writer: StateWriter, fresh: FreshIds, writeHead: (body: ByteWriter) => void): void {
  writer.entry(entryTypes.ids, (body) => {
    writeHead(body);
    fresh.write(body);
  });
}

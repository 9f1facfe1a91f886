/**
 * Lists of ascending offsets, each taken from at the front, in one memory with one bound: what is parked behind busy keys.
 *
 *   list ─▶ block ─▶ block ─▶ block           a block: the number of the next one, then distances from offset to offset as varints
 *           ▲ taken from          ▲ added to
 *
 * A block is 32 bytes and belongs to one list; one that was taken from altogether is free for any other. So an offset costs one
 * or two bytes where many wait behind a key, and at most a block where it waits alone.
 */
import { assert } from "../base/assert.js";

const blockBytes = 32;
/** Each block begins with the number of the next. */
const linkBytes = 4;
const slabBlocks = 2_048;
/** A distance takes at most eight bytes, so that it begins at most one block, and a new list one more. */
const blocksPerOffset = 2;

/** What one list needs to know; its offsets are in the blocks. */
export class ParkedList {
  count = 0;
  /** Numbers of blocks, and positions in them. */
  head = -1;
  headAt = 0;
  tail = -1;
  tailAt = 0;
  /** The offset that was taken, and the one that was added last. */
  taken = 0;
  added = 0;
}

export class ParkedOffsets {
  readonly #blocksMax: number;
  readonly #slabs: Buffer[] = [];
  #blocks = 0;
  #used = 0;
  /** The first free block below `#blocks`, linked to the next; -1: none. */
  #free = -1;
  #count = 0;

  constructor(bytesMax: number) {
    this.#blocksMax = Math.max(blocksPerOffset, Math.floor(bytesMax / blockBytes));
  }

  /** How many offsets all lists hold together. */
  get count(): number {
    return this.#count;
  }

  /** Memory of the blocks in use. */
  get bytes(): number {
    return this.#used * blockBytes;
  }

  /** Whether one more offset can be added to any list. */
  get hasRoom(): boolean {
    return this.#used + blocksPerOffset <= this.#blocksMax;
  }

  add(list: ParkedList, offset: number): void {
    assert(this.hasRoom, "parked offsets have a bound");
    assert(offset > list.added || list.count === 0, "the offsets of a list ascend");
    if (list.count === 0) this.#begin(list);
    let rest = offset - list.added;
    list.added = offset;
    while (rest >= 128) {
      this.#write(list, (rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.#write(list, rest);
    list.count++;
    this.#count++;
  }

  /** Takes out the first; undefined when the list is empty. */
  take(list: ParkedList): number | undefined {
    if (list.count === 0) return undefined;
    let distance = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#read(list);
      distance += (byte & 127) * factor;
      if (byte < 128) break;
      factor *= 128;
    }
    list.taken += distance;
    list.count--;
    this.#count--;
    if (list.count === 0) this.#end(list);
    return list.taken;
  }

  /** Forgets all lists. */
  clear(): void {
    this.#slabs.length = 0;
    this.#blocks = 0;
    this.#used = 0;
    this.#free = -1;
    this.#count = 0;
  }

  #begin(list: ParkedList): void {
    list.head = this.#takeBlock();
    list.tail = list.head;
    list.headAt = linkBytes;
    list.tailAt = linkBytes;
    list.taken = 0;
    list.added = 0;
  }

  #end(list: ParkedList): void {
    this.#giveBlock(list.head);
    list.head = -1;
    list.tail = -1;
    // After a peak nothing is kept of it.
    if (this.#used === 0) this.clear();
  }

  #write(list: ParkedList, byte: number): void {
    if (list.tailAt === blockBytes) {
      const next = this.#takeBlock();
      this.#slabOf(list.tail).writeInt32LE(next, positionOf(list.tail));
      list.tail = next;
      list.tailAt = linkBytes;
    }
    this.#slabOf(list.tail)[positionOf(list.tail) + list.tailAt++] = byte;
  }

  #read(list: ParkedList): number {
    if (list.headAt === blockBytes) {
      const next = this.#slabOf(list.head).readInt32LE(positionOf(list.head));
      this.#giveBlock(list.head);
      list.head = next;
      list.headAt = linkBytes;
    }
    return this.#slabOf(list.head)[positionOf(list.head) + list.headAt++] as number;
  }

  #takeBlock(): number {
    this.#used++;
    const block = this.#free;
    if (block >= 0) {
      this.#free = this.#slabOf(block).readInt32LE(positionOf(block));
      return block;
    }
    if (this.#blocks === this.#slabs.length * slabBlocks) this.#slabs.push(Buffer.allocUnsafe(slabBlocks * blockBytes));
    return this.#blocks++;
  }

  #giveBlock(block: number): void {
    this.#slabOf(block).writeInt32LE(this.#free, positionOf(block));
    this.#free = block;
    this.#used--;
  }

  #slabOf(block: number): Buffer {
    return this.#slabs[Math.floor(block / slabBlocks)] as Buffer;
  }
}

function positionOf(block: number): number {
  return (block % slabBlocks) * blockBytes;
}

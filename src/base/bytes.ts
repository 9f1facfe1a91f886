/**
 * Growing writer and bounds-checked reader of our own formats: little-endian, LEB128 for small numbers.
 * Kafka's batches have their own codec; this one is for the write-ahead log, checkpoints and state entries.
 */
import { assert } from "./assert.js";
import { MillraceError } from "./errors.js";

const two32 = 4_294_967_296;

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** What was written so far. A view: it is overwritten after `clear`. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of what was written so far. */
  copy(): Buffer {
    return Buffer.from(this.view());
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  /** A safe integer, as 64 bits. */
  u64(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} is not a safe unsigned integer`);
    this.#reserve(8);
    this.#buffer.writeUInt32LE(value % two32, this.#length);
    this.#length = this.#buffer.writeUInt32LE(Math.floor(value / two32), this.#length + 4);
  }

  /** Unsigned LEB128 of a safe integer: 1 byte below 128, at most 8. */
  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} is not a safe unsigned integer`);
    this.#reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Bytes without a length before them. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  text(text: string): void {
    this.bytes(Buffer.from(text, "utf8"));
  }

  /** Overwrites four bytes written earlier. */
  patchU32(value: number, position: number): void {
    this.#buffer.writeUInt32LE(value, position);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** Reads what `ByteWriter` wrote. Throws LOG_CORRUPT instead of reading past the end. */
export class ByteReader {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get position(): number {
    return this.#position;
  }

  get left(): number {
    return this.#buffer.length - this.#position;
  }

  u8(): number {
    return this.#buffer[this.#advance(1)] as number;
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#advance(4));
  }

  u64(): number {
    const at = this.#advance(8);
    return this.#buffer.readUInt32LE(at) + this.#buffer.readUInt32LE(at + 4) * two32;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    throw new MillraceError("LOG_CORRUPT", "a number in the file is longer than any we write");
  }

  /** A view of the bytes, not a copy. */
  bytes(): Buffer {
    return this.raw(this.varint());
  }

  raw(length: number): Buffer {
    const at = this.#advance(length);
    return this.#buffer.subarray(at, at + length);
  }

  text(): string {
    return this.bytes().toString("utf8");
  }

  #advance(bytes: number): number {
    if (bytes > this.left) throw new MillraceError("LOG_CORRUPT", "a value in the file reaches past its end");
    const at = this.#position;
    this.#position += bytes;
    return at;
  }
}

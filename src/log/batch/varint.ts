/**
 * Kafka's variable-length numbers: zigzag (0, -1, 1, -2 … become 0, 1, 2, 3 …), then seven bits a byte, lowest first.
 * Ours are safe integers below 2^52, so that their zigzag is a safe integer too; it takes at most eight bytes.
 */
import { MillraceError } from "../../base/errors.js";

/** Within this bound the zigzag fits into 31 bits, where the integer operations of JavaScript hold. */
const smallMax = 0x3fff_ffff;

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

/** How many bytes `writeVarint` writes. */
export function varintBytes(value: number): number {
  return value >= -64 && value < 64 ? 1 : longVarintBytes(value);
}

// The short cases stand alone so that V8 puts them into the loop that encodes records: it halves the time of a record.
function longVarintBytes(value: number): number {
  if (value >= -8192 && value < 8192) return 2;
  let bytes = 3;
  for (let rest = Math.floor(zigzag(value) / 2_097_152); rest > 0; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Returns the position behind it. The caller has seen to it that there is room. */
export function writeVarint(buffer: Buffer, value: number, position: number): number {
  if (value < -8192 || value >= 8192) return writeLongVarint(buffer, value, position);
  const bits = (value << 1) ^ (value >> 31);
  if (bits < 128) {
    buffer[position] = bits;
    return position + 1;
  }
  buffer[position] = (bits & 127) | 128;
  buffer[position + 1] = bits >>> 7;
  return position + 2;
}

function writeLongVarint(buffer: Buffer, value: number, position: number): number {
  if (value < -smallMax || value > smallMax) return writeLarge(buffer, value, position);
  let rest = (value << 1) ^ (value >> 31);
  while (rest > 127) {
    buffer[position++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[position] = rest;
  return position + 1;
}

function writeLarge(buffer: Buffer, value: number, position: number): number {
  let rest = zigzag(value);
  while (rest > 127) {
    buffer[position++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  buffer[position] = rest;
  return position + 1;
}

/** Reads numbers one after the other from a part of `bytes`; never past `end`. */
export class VarintReader {
  readonly bytes: Buffer;
  position: number;
  end: number;

  constructor(bytes: Buffer, position: number) {
    this.bytes = bytes;
    this.position = position;
    this.end = bytes.length;
  }

  /** The next number. Throws LOG_CORRUPT when it is cut short or longer than any of ours. */
  next(): number {
    const first = this.#byte();
    if (first < 128) return (first >>> 1) ^ -(first & 1);
    const second = this.#byte();
    if (second < 128) {
      const pair = (first & 127) | (second << 7);
      return (pair >>> 1) ^ -(pair & 1);
    }
    return this.#more((first & 127) | ((second & 127) << 7));
  }

  /** The next number, as the length of something that lies behind it: at least 0, or -1 for "nothing", and not past the end. */
  length(): number {
    const length = this.next();
    if (length < -1 || length > this.end - this.position) throw corrupt("a length in a record reaches past its end");
    return length;
  }

  #more(firstBits: number): number {
    let value = firstBits;
    let factor = 16_384;
    for (let count = 2; count < 8; count++) {
      const byte = this.#byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 128;
    }
    throw corrupt("a number in a record is longer than any we write");
  }

  #byte(): number {
    if (this.position >= this.end) throw corrupt("a number in a record is cut short");
    return this.bytes[this.position++] as number;
  }
}

export function corrupt(what: string): MillraceError {
  return new MillraceError("LOG_CORRUPT", `${what}. Run "millrace verify" to see what else is damaged.`);
}

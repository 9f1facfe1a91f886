/**
 * The yardstick's own record encoder: the least work that yields a valid Kafka RecordBatch v2 with CRC-32C out of values
 * without key or headers. It shares nothing with the engine's, so that a slower engine cannot make itself a slower yardstick.
 */
import { crc32c } from "@node-rs/crc32";

const at = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
} as const;
const headerBytes = 61;
/** Around a value: length, attributes, two deltas, key length, value length, header count. */
const recordOverheadMax = 24;

export class BareEncoder {
  readonly #bytes: Buffer;

  constructor(recordsMax: number, valueBytes: number) {
    this.#bytes = Buffer.alloc(headerBytes + recordsMax * (valueBytes + recordOverheadMax));
  }

  /** The result is overwritten by the next call. */
  encode(values: readonly Uint8Array[], baseOffset: number, timestampMs: number): Buffer {
    const bytes = this.#bytes;
    let position = headerBytes;
    for (let index = 0; index < values.length; index++) {
      position = this.#record(values[index] as Uint8Array, index, position);
    }
    bytes.writeBigInt64BE(BigInt(baseOffset), at.baseOffset);
    bytes.writeInt32BE(position - at.leaderEpoch, at.length);
    bytes.writeInt32BE(0, at.leaderEpoch);
    bytes[at.magic] = 2;
    bytes.writeInt16BE(0, at.attributes);
    bytes.writeInt32BE(values.length - 1, at.lastOffsetDelta);
    bytes.writeBigInt64BE(BigInt(timestampMs), at.baseTimestamp);
    bytes.writeBigInt64BE(BigInt(timestampMs), at.maxTimestamp);
    bytes.writeBigInt64BE(-1n, at.producerId);
    bytes.writeInt16BE(-1, at.producerEpoch);
    bytes.writeInt32BE(-1, at.baseSequence);
    bytes.writeInt32BE(values.length, at.count);
    bytes.writeUInt32BE(crc32c(bytes.subarray(at.attributes, position)), at.checksum);
    return bytes.subarray(0, position);
  }

  #record(value: Uint8Array, offsetDelta: number, start: number): number {
    const bytes = this.#bytes;
    const bodyBytes = 4 + varintBytes(offsetDelta) + varintBytes(value.length) + value.length;
    let position = this.#varint(bodyBytes, start);
    bytes[position++] = 0; // attributes
    bytes[position++] = 0; // timestamp delta
    position = this.#varint(offsetDelta, position);
    bytes[position++] = 1; // key length -1: none
    position = this.#varint(value.length, position);
    bytes.set(value, position);
    position += value.length;
    bytes[position++] = 0; // headers
    return position;
  }

  /** Zigzag of a number that is not negative. */
  #varint(value: number, start: number): number {
    let rest = value * 2;
    let position = start;
    while (rest > 127) {
      this.#bytes[position++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[position++] = rest;
    return position;
  }
}

function varintBytes(value: number): number {
  if (value < 64) return 1;
  return value < 8_192 ? 2 : 3;
}

/**
 * A record batch, as Kafka's message format v2 has it, byte for byte (magic 2, big-endian):
 *
 *   0                8        12       16 17      21 23      27
 *   +----------------+--------+--------+-+--------+--+--------+
 *   | base offset    | length | head   |2| CRC    |at| last   |
 *   |                |        | check  | |        |tr| offset Δ
 *   +----------------+--------+--------+-+--------+--+--------+
 *   27               35               43               51 53       57       61
 *   +----------------+----------------+----------------+--+--------+--------+---------
 *   | base timestamp | max timestamp  | producer id    |ep|sequence| count  | records …
 *   +----------------+----------------+----------------+--+--------+--------+---------
 *
 * `length` counts what follows it. `CRC` is CRC-32C from `attributes` to the end of the batch. A record is
 *
 *   length · attributes (1 byte, 0) · timestamp Δ · offset Δ · key length · key · value length · value ·
 *   header count · (name length · name · value length · value) …
 *
 * with every number but `attributes` a zigzag varint, and length -1 for "no key". Texts are UTF-8.
 *
 * Kafka's CRC leaves the first 21 bytes out, so that a broker can set the offset of a batch without reading it. Of these,
 * the four at `headCheck` (Kafka's partition leader epoch) are free for the storing side to use. We store
 * there a checksum of the offset, the length and the magic byte (see `head-check.ts`): every bit of a batch is covered by
 * one checksum or the other, a batch can be told from garbage before its length is believed, and a magic byte of a newer
 * release can be told from a damaged one.
 *
 * We use neither producer ids (-1) nor transactions nor compression: `attributes` is 0. A whole batch with any
 * of its bits set is not corrupt but written by somebody newer: LOG_VERSION_UNSUPPORTED.
 *
 * To change this layout: raise `magic`, keep the old decoder, and add a golden file to test/log/golden/.
 */
export const at = {
  baseOffset: 0,
  length: 8,
  headCheck: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const;

export const magic = 2;

/** What every batch has before its records. */
export const batchHeaderBytes: number = at.records;

/** `length` does not count itself and the offset before it. */
export const lengthExcludesBytes = 12;

/** Seven numbers of one byte each: no key, an empty value, no headers. Bounds how many records a batch can hold. */
export const recordBytesMin = 7;

/** A length beyond this is damage: we never build such a batch. Bounds what a damaged length can make us read. */
export const batchBytesMax: number = 1024 * 1024 * 1024;

/** Under this header a record keeps the id it was sent with. Records sent without an id have no such header. */
export const idHeader = "millrace-id";

/** The wall time, in milliseconds, before which a delayed record is not for delivery. */
export const dueHeader = "millrace-due";

/** The wall time, in milliseconds, from which on a record is of no use any more. */
export const expiresHeader = "millrace-expires";

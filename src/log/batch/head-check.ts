import { at } from "./layout.js";

/** What each value of a byte does to a CRC-32C: its polynomial, bits reversed, divided through eight times. */
const table: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ 0x82f6_3b78 : remainder >>> 1;
  return remainder;
});

/**
 * The checksum of a batch's offset, length and magic byte, of which the CRC of the batch knows nothing: CRC-32C over the
 * first twelve bytes, started from the magic byte. 31 bits of it, because Kafka's tools take the field for a leader
 * epoch, which is never negative.
 *
 * Computed here and not by the library: for so few bytes the way to native code takes ten times as long.
 */
export function headCheck(bytes: Buffer, position: number): number {
  let crc = ~(bytes[position + at.magic] as number);
  for (let index = position; index < position + at.headCheck; index++) {
    crc = (table[(crc ^ (bytes[index] as number)) & 255] as number) ^ (crc >>> 8);
  }
  return ~crc & 0x7fff_ffff;
}

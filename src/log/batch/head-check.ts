import { crc32c } from "../../base/crc32c.js";
import { at } from "./layout.js";

/**
 * The checksum of a batch's offset, length and magic byte, of which the CRC of the batch knows nothing: CRC-32C over the
 * first twelve bytes, started from the magic byte. 31 bits of it, because Kafka's tools take the field for a leader
 * epoch, which is never negative.
 */
export function headCheck(bytes: Buffer, position: number): number {
  const head = bytes.subarray(position, position + at.headCheck);
  return crc32c(head, bytes[position + at.magic]) & 0x7fff_ffff;
}

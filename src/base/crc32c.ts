import { crc32c as native } from "@node-rs/crc32";

/** CRC-32C (Castagnoli) of `bytes`, as an unsigned 32-bit number. `seed` continues an earlier checksum. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return native(bytes, seed);
}

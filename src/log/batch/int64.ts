const two32 = 4_294_967_296;

/** Writes a safe integer as 64 bits, big-endian. */
export function writeInt64(buffer: Buffer, value: number, position: number): void {
  const high = Math.floor(value / two32);
  buffer.writeInt32BE(high, position);
  buffer.writeUInt32BE(value - high * two32, position + 4);
}

/** Reads 64 bits, big-endian. The result is exact when it is a safe integer: whoever reads from a disk checks that. */
export function readInt64(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * two32 + buffer.readUInt32BE(position + 4);
}

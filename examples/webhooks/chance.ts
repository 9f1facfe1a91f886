import { createHash } from "node:crypto";

/** A number in [0, 1) that looks like chance and is always the same for the same seed and name: so runs can be repeated. */
export function chance(seed: number, name: string): number {
  return createHash("sha1").update(`${seed} ${name}`).digest().readUInt32BE(0) / 2 ** 32;
}

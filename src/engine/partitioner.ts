/**
 * Which partition a message goes to. With a key: where the default partitioner of Kafka's clients puts it,
 * `(murmur2(utf8(key)) & 0x7fffffff) % partitions`, so that a stream can move to Kafka and keep its keys in place.
 * Without one: all of a commit to the same partition, the next commit to the next, for few large batches.
 */
import { assert } from "../base/assert.js";

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

/** MurmurHash2 in 32 bits as Kafka's Java client computes it: a signed number. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = seed ^ length;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    let word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  const rest = length - whole;
  if (rest === 3) hash ^= (bytes[whole + 2] as number) << 16;
  if (rest >= 2) hash ^= (bytes[whole + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[whole] as number), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

/** Keys are short: one buffer serves them all. */
const scratch = Buffer.allocUnsafe(1024);

export function partitionOfKey(key: string, partitions: number): number {
  assert(partitions > 0, "a channel has at least one partition");
  // A UTF-16 unit needs at most three bytes of UTF-8.
  const bytes =
    key.length * 3 <= scratch.length ? scratch.subarray(0, scratch.write(key, "utf8")) : Buffer.from(key, "utf8");
  return (murmur2(bytes) & 0x7fffffff) % partitions;
}

/** Where messages without a key go now. */
export class Rotation {
  #current = 0;

  current(partitions: number): number {
    if (this.#current >= partitions) this.#current = 0;
    return this.#current;
  }

  /** A commit is over: the next goes elsewhere. */
  next(): void {
    this.#current++;
  }
}

import { crc32c } from "../../base/crc32c.js";
import { baseOffsetAt, batchBytesAt, checkBody, checkHead } from "../batch/check.js";
import { at, batchHeaderBytes, magic } from "../batch/layout.js";
import { type ByteSource, Window } from "./window.js";

/** How far to look for proof of where a damaged batch ends: farther than any batch that one commit can write. */
const proofBytesMax = 32 * 1024 * 1024;

/** Where reading can go on, and whether the bytes up to there are a batch that is whole but for its head. */
export interface Resumption {
  readonly position: number;
  readonly proven: boolean;
}

/** Offsets that the next whole batch can have: not below `from`, all below `to`. */
export interface OffsetBounds {
  readonly from: number;
  readonly to: number;
}

/**
 * Finds the batch behind one whose head is damaged, so that its length cannot be believed.
 *
 * A whole batch that begins somewhere behind the damage may be the one we look for, or a copy of one that a message carries
 * as its value. The CRC of the damaged batch tells: it covers all behind its head, so it holds for exactly the bytes
 * up to the next batch. When it holds for none, the damage goes deeper, and the first candidate is taken.
 */
export function resynchronise(source: ByteSource, damagedAt: number, bounds: OffsetBounds): Resumption {
  const proof = new Proof(source, damagedAt);
  let first: number | undefined;
  for (const position of candidates(source, damagedAt + 1, bounds)) {
    if (proof.holdsAt(position)) return { position, proven: true };
    first ??= position;
    if (position - damagedAt > proofBytesMax) break;
  }
  if (proof.holdsAt(source.bytes)) return { position: source.bytes, proven: true };
  return { position: first ?? source.bytes, proven: false };
}

/** Where whole batches begin, from `start` on, of which none lies in another. */
function* candidates(source: ByteSource, start: number, bounds: OffsetBounds): Generator<number> {
  const window = new Window(source);
  let position = start;
  while (window.load(position, batchHeaderBytes) === batchHeaderBytes) {
    const { bytes } = window;
    const magicAt = bytes.indexOf(magic, window.at(position) + at.magic);
    const head = magicAt - at.magic;
    if (magicAt < 0 || head + batchHeaderBytes > bytes.length) {
      // Nothing in this part of the source, except that a header may begin at its very end.
      position = Math.max(position + 1, position + bytes.length - window.at(position) - batchHeaderBytes + 1);
      continue;
    }
    position += head - window.at(position);
    const offset = baseOffsetAt(bytes, head);
    const batchBytes = offset >= bounds.from && offset < bounds.to ? wholeBytesAt(window, position) : 0;
    if (batchBytes > 0) yield position;
    position += Math.max(1, batchBytes);
  }
}

/** How long the batch at `position` is; 0 when there is no whole batch. */
function wholeBytesAt(window: Window, position: number): number {
  if (checkHead(window.bytes, window.at(position)) !== "whole") return 0;
  const batchBytes = batchBytesAt(window.bytes, window.at(position));
  if (window.load(position, batchBytes) < batchBytes) return 0;
  return checkBody(window.bytes, window.at(position)) === "whole" ? batchBytes : 0;
}

/** Continues the CRC of the damaged batch from one candidate to the next. */
class Proof {
  readonly #source: ByteSource;
  readonly #stored: number | undefined;
  #crc = 0;
  #position: number;

  constructor(source: ByteSource, damagedAt: number) {
    this.#source = source;
    this.#position = damagedAt + at.attributes;
    const field = Buffer.alloc(4);
    const whole = damagedAt + batchHeaderBytes <= source.bytes && source.read(field, damagedAt + at.crc) === 4;
    this.#stored = whole ? field.readUInt32BE(0) : undefined;
  }

  holdsAt(end: number): boolean {
    if (this.#stored === undefined || end - this.#position > proofBytesMax) return false;
    if (end < this.#position) return false;
    const part = Buffer.allocUnsafeSlow(end - this.#position);
    if (this.#source.read(part, this.#position) < part.length) return false;
    this.#crc = crc32c(part, this.#crc);
    this.#position = end;
    return this.#crc === this.#stored;
  }
}

/**
 * The body of a frame: entries one after the other.
 *
 *   batch      1 · topic u32 · partition u32 · bytes u32 · a record batch
 *   stored     3 · topic u32 · partition u32 · base offset u64 · end offset u64 · segment u64 · position u64 · bytes u32
 *              a batch that went to its segment; with its offsets, so that they can be told when the batch is damaged
 *   state      2 · type u8 · bytes u32 · body, the state machine's own
 */
import { assert } from "../../base/assert.js";
import { ByteReader, ByteWriter } from "../../base/bytes.js";
import { crc32c } from "../../base/crc32c.js";
import { MillraceError } from "../../base/errors.js";
import type { StateWriter } from "../state.js";
import { alignUp, encodeFrameHeader, frameHeaderBytes } from "./layout.js";

const entry = { batch: 1, state: 2, stored: 3 } as const;

/** Where a batch stands that did not go through the write-ahead log. */
export interface StoredPlace {
  readonly baseOffset: number;
  /** Behind its last record. */
  readonly endOffset: number;
  /** Base offset of the segment, which names its file. */
  readonly segment: number;
  readonly position: number;
  readonly bytes: number;
}

export type FrameEntry =
  | { readonly kind: "batch"; readonly topicId: number; readonly partition: number; readonly bytes: Buffer }
  | { readonly kind: "stored"; readonly topicId: number; readonly partition: number; readonly place: StoredPlace }
  | { readonly kind: "state"; readonly type: number; readonly body: Buffer };

/** Builds one frame at a time in a buffer it reuses. */
export class FrameWriter implements StateWriter {
  readonly #bytes = new ByteWriter(64 * 1024);
  #entries = 0;

  begin(): void {
    this.#bytes.clear();
    this.#entries = 0;
    for (let word = 0; word < frameHeaderBytes; word += 4) this.#bytes.u32(0);
  }

  get empty(): boolean {
    return this.#entries === 0;
  }

  batch(topicId: number, partition: number, batch: Uint8Array): void {
    this.#bytes.u8(entry.batch);
    this.#bytes.u32(topicId);
    this.#bytes.u32(partition);
    this.#bytes.u32(batch.length);
    this.#bytes.raw(batch);
    this.#entries++;
  }

  stored(partition: { readonly topicId: number; readonly index: number }, place: StoredPlace): void {
    this.#bytes.u8(entry.stored);
    this.#bytes.u32(partition.topicId);
    this.#bytes.u32(partition.index);
    this.#bytes.u64(place.baseOffset);
    this.#bytes.u64(place.endOffset);
    this.#bytes.u64(place.segment);
    this.#bytes.u64(place.position);
    this.#bytes.u32(place.bytes);
    this.#entries++;
  }

  entry(type: number, encode: (body: ByteWriter) => void): void {
    assert(type >= 1 && type <= 255, `state entry type ${type} does not fit a byte`);
    this.#bytes.u8(entry.state);
    this.#bytes.u8(type);
    const lengthAt = this.#bytes.length;
    this.#bytes.u32(0);
    encode(this.#bytes);
    this.#bytes.patchU32(this.#bytes.length - lengthAt - 4, lengthAt);
    this.#entries++;
  }

  /** Bytes the frame takes in its file. */
  get framedBytes(): number {
    return alignUp(this.#bytes.length);
  }

  /** The whole frame, valid until the next `begin`. */
  finish(salt: number, lsn: number): Buffer {
    const length = this.#bytes.length;
    while (this.#bytes.length % 8 !== 0) this.#bytes.u8(0);
    const bytes = this.#bytes.view();
    const body = bytes.subarray(frameHeaderBytes, length);
    encodeFrameHeader(bytes, { salt, bodyBytes: body.length, lsn, bodyCrc: crc32c(body), entries: this.#entries });
    return bytes;
  }
}

/** The entries of a frame's body, whose checksum the caller has checked. */
export function* frameEntries(body: Buffer, count: number): Generator<FrameEntry> {
  const reader = new ByteReader(body);
  for (let index = 0; index < count; index++) yield readEntry(reader);
}

function readEntry(reader: ByteReader): FrameEntry {
  const kind = reader.u8();
  switch (kind) {
    case entry.batch: {
      const topicId = reader.u32();
      const partition = reader.u32();
      return { kind: "batch", topicId, partition, bytes: reader.raw(reader.u32()) };
    }
    case entry.stored: {
      const topicId = reader.u32();
      const partition = reader.u32();
      const offsets = { baseOffset: reader.u64(), endOffset: reader.u64() };
      return {
        kind: "stored",
        topicId,
        partition,
        place: { ...offsets, segment: reader.u64(), position: reader.u64(), bytes: reader.u32() },
      };
    }
    case entry.state: {
      const type = reader.u8();
      return { kind: "state", type, body: reader.raw(reader.u32()) };
    }
    default:
      throw new MillraceError(
        "LOG_VERSION_UNSUPPORTED",
        `the write-ahead log has an entry of kind ${kind}, which this release does not know; open it with the release that wrote it`,
      );
  }
}

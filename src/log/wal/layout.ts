/**
 * The write-ahead log's files. Numbers are little-endian; checksums are CRC-32C.
 *
 * A file is written from its start, and used again from its start once a checkpoint has passed it.
 *
 *   0        4        6        8                16       20       24             32          40 … 64
 *   +--------+--------+--------+----------------+--------+--------+--------------+-----------+-------+
 *   | magic  | version| flags  | generation     | salt   | crc    | file bytes   | after lsn | zeros |   file header
 *   +--------+--------+--------+----------------+--------+--------+--------------+-----------+-------+
 *
 * The first file that a process begins says behind which frame: `after lsn`, where its recovery has ended. Whatever stands
 * behind that frame in earlier files was cut off then, and stays so, even if it looks whole to a later recovery.
 *
 * Then frames, each beginning at a multiple of 8. One frame is one commit: whole or nothing.
 *
 *   0        4        8        12               20       24                28       32
 *   +--------+--------+--------+----------------+--------+-----------------+--------+------
 *   | head   | salt   | body   | lsn            | body   | entries         | zeros  | body
 *   | crc    |        | bytes  |                | crc    |                 |        |
 *   +--------+--------+--------+----------------+--------+-----------------+--------+------
 *
 * `salt` is new each time a file is used again, so that a frame of an earlier use, or a payload that looks like a
 * frame, never continues the chain. `lsn` counts frames, without a gap, across files.
 * `crc` of the file header covers its first 40 bytes with the field itself as zero.
 *
 * To change this layout: raise `walVersion`, keep the old decoder beside the new one, add a golden file.
 */
import { crc32c } from "../../base/crc32c.js";

export const walMagic = 0x4c57524d; // "MRWL"
export const walVersion = 1;
export const fileHeaderBytes = 64;
export const frameHeaderBytes = 32;
export const frameAlignment = 8;

/** Frames of this file were synced one by one: a hole before the last one is damage, not a lost tail. */
const flagEachFrameSynced = 1;

/** `after lsn` is given. */
const flagBeginsProcess = 2;

const file = {
  magic: 0,
  version: 4,
  flags: 6,
  generation: 8,
  salt: 16,
  crc: 20,
  bytes: 24,
  afterLsn: 32,
  checked: 40,
} as const;
const frame = { headCrc: 0, salt: 4, bodyBytes: 8, lsn: 12, bodyCrc: 20, entries: 24 } as const;
const two32 = 4_294_967_296;

export interface WalFileHeader {
  readonly version: number;
  readonly eachFrameSynced: boolean;
  /** Counts the uses of files: a file used later has a higher one. */
  readonly generation: number;
  readonly salt: number;
  readonly bytes: number;
  /** Of the first file that a process began. */
  readonly afterLsn: number | undefined;
}

export interface FrameHeader {
  readonly salt: number;
  readonly bodyBytes: number;
  readonly lsn: number;
  readonly bodyCrc: number;
  readonly entries: number;
}

export function encodeFileHeader(header: WalFileHeader): Buffer {
  const bytes = Buffer.alloc(fileHeaderBytes);
  bytes.writeUInt32LE(walMagic, file.magic);
  bytes.writeUInt16LE(header.version, file.version);
  const { eachFrameSynced, afterLsn } = header;
  bytes.writeUInt16LE(
    (eachFrameSynced ? flagEachFrameSynced : 0) | (afterLsn === undefined ? 0 : flagBeginsProcess),
    file.flags,
  );
  writeU64(bytes, header.generation, file.generation);
  bytes.writeUInt32LE(header.salt, file.salt);
  writeU64(bytes, header.bytes, file.bytes);
  writeU64(bytes, afterLsn ?? 0, file.afterLsn);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, file.checked)), file.crc);
  return bytes;
}

/** undefined: not a header, or damaged. The caller looks at `version` before it trusts the frames. */
export function decodeFileHeader(bytes: Buffer): WalFileHeader | undefined {
  if (bytes.length < fileHeaderBytes || bytes.readUInt32LE(file.magic) !== walMagic) return undefined;
  const checked = Buffer.from(bytes.subarray(0, file.checked));
  checked.writeUInt32LE(0, file.crc);
  if (crc32c(checked) !== bytes.readUInt32LE(file.crc)) return undefined;
  const flags = bytes.readUInt16LE(file.flags);
  return {
    version: bytes.readUInt16LE(file.version),
    eachFrameSynced: (flags & flagEachFrameSynced) !== 0,
    generation: readU64(bytes, file.generation),
    salt: bytes.readUInt32LE(file.salt),
    bytes: readU64(bytes, file.bytes),
    afterLsn: (flags & flagBeginsProcess) === 0 ? undefined : readU64(bytes, file.afterLsn),
  };
}

/** Writes the header of a frame whose body already stands behind it. */
export function encodeFrameHeader(bytes: Buffer, header: FrameHeader): void {
  bytes.writeUInt32LE(header.salt, frame.salt);
  bytes.writeUInt32LE(header.bodyBytes, frame.bodyBytes);
  writeU64(bytes, header.lsn, frame.lsn);
  bytes.writeUInt32LE(header.bodyCrc, frame.bodyCrc);
  bytes.writeUInt32LE(header.entries, frame.entries);
  bytes.writeUInt32LE(0, frame.entries + 4);
  bytes.writeUInt32LE(crc32c(bytes.subarray(frame.salt, frameHeaderBytes)), frame.headCrc);
}

/** undefined: no frame with this salt begins here. */
export function decodeFrameHeader(bytes: Buffer, at: number, salt: number): FrameHeader | undefined {
  if (at + frameHeaderBytes > bytes.length || bytes.readUInt32LE(at + frame.salt) !== salt) return undefined;
  if (crc32c(bytes.subarray(at + frame.salt, at + frameHeaderBytes)) !== bytes.readUInt32LE(at + frame.headCrc))
    return undefined;
  return {
    salt,
    bodyBytes: bytes.readUInt32LE(at + frame.bodyBytes),
    lsn: readU64(bytes, at + frame.lsn),
    bodyCrc: bytes.readUInt32LE(at + frame.bodyCrc),
    entries: bytes.readUInt32LE(at + frame.entries),
  };
}

/** Whether these bytes have this salt or this lsn where a frame has them, whole or not. */
export function resemblesFrame(bytes: Buffer, { salt, lsn }: { readonly salt: number; readonly lsn: number }): boolean {
  return bytes.readUInt32LE(frame.salt) === salt || readU64(bytes, frame.lsn) === lsn;
}

/** Where the next frame with this salt may begin, from `from` on, which is a place where one could. */
export function nextCandidate(bytes: Buffer, from: number, salt: number): number | undefined {
  const wanted = Buffer.alloc(4);
  wanted.writeUInt32LE(salt);
  for (let found = bytes.indexOf(wanted, from + frame.salt); found >= 0; found = bytes.indexOf(wanted, found + 1)) {
    const at = found - frame.salt;
    if (at % frameAlignment === 0) return at + frameHeaderBytes <= bytes.length ? at : undefined;
  }
  return undefined;
}

/** Salt of the first frame of a file whose own header is damaged; undefined when there is no frame either. */
export function saltOfFirstFrame(bytes: Buffer): number | undefined {
  if (bytes.length < fileHeaderBytes + frameHeaderBytes) return undefined;
  const salt = bytes.readUInt32LE(fileHeaderBytes + frame.salt);
  return decodeFrameHeader(bytes, fileHeaderBytes, salt) === undefined ? undefined : salt;
}

/** Where the frame behind one at `at` begins. */
export function frameEnd(at: number, bodyBytes: number): number {
  return alignUp(at + frameHeaderBytes + bodyBytes);
}

export function alignUp(position: number): number {
  return Math.ceil(position / frameAlignment) * frameAlignment;
}

function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % two32, at);
  bytes.writeUInt32LE(Math.floor(value / two32), at + 4);
}

function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * two32;
}

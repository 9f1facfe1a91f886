/**
 * One mirror of the meta journal, as a file:
 *
 *   0        4        8        12             of the file:  magic · version u32 · crc of the 8 bytes before
 *   +--------+--------+--------+
 *   | magic  | version| crc    |
 *   +--------+--------+--------+--------+------+
 *   | bytes  | crc    | sequence number | JSON |  … entries. crc covers what follows it
 *   +--------+--------+-----------------+------+
 *   0        4        8                 16
 *
 * Numbers are little-endian; checksums are CRC-32C. `sequence number` counts the entries from 1, without a gap.
 *
 * To change this layout: raise `metaVersion`, keep the old decoder beside the new one, add a golden file.
 */
import { crc32c } from "../../base/crc32c.js";
import { MillraceError } from "../../base/errors.js";
import { type Disk, readFully } from "../../disk/disk.js";

const magic = 0x414d524d; // "MRMA"
export const metaVersion = 1;
const at = { magic: 0, version: 4, crc: 8 } as const;
const entryAt = { bytes: 0, crc: 4, sequence: 8, json: 16 } as const;
const headerBytes = 12;
const two32 = 4_294_967_296;

/** One entry is a channel or a group; a corrupt length must not make us read more. */
export const entryBytesMax: number = 1024 * 1024;

export const metaDirectory = "meta";
export const mirrorNames = ["a", "b"] as const;

/** The entries of one mirror that can be read. */
export interface MirrorContent {
  readonly name: string;
  readonly entries: ReadonlyMap<number, unknown>;
  /** Behind the last entry that can be read. */
  readonly endBytes: number;
  /** Something stands there that is no whole entry. */
  readonly hasTail: boolean;
  /** In words, when something was met that is not as it was written. */
  readonly trouble: string | undefined;
  /** Nothing but the tail, if there is one, is not as it was written. */
  readonly wholeUpToEnd: boolean;
}

/** @throws LOG_VERSION_UNSUPPORTED */
export function readMirror(disk: Disk, name: string): MirrorContent {
  const path = `${metaDirectory}/${name}`;
  if (!disk.exists(path)) {
    const trouble = "the file is missing";
    return { name, entries: new Map(), endBytes: 0, hasTail: false, trouble, wholeUpToEnd: false };
  }
  const file = disk.open(path, "read");
  try {
    const bytes = Buffer.alloc(file.size());
    readFully(file, bytes, 0);
    return { name, ...decodeMirror(bytes, path) };
  } finally {
    file.close();
  }
}

/** Damage costs the entry it is in: behind it, reading goes on with the next whole one. */
function decodeMirror(bytes: Buffer, path: string): Omit<MirrorContent, "name"> {
  const headerIsWhole = checkHeader(bytes, path);
  let trouble = headerIsWhole ? undefined : "the file's header is damaged";
  let wholeUpToEnd = headerIsWhole;
  const entries = new Map<number, unknown>();
  let endBytes = headerBytes;
  for (let position = headerBytes; position < bytes.length;) {
    const entry = decodeEntry(bytes, position);
    if (entry === undefined) {
      trouble ??= `no whole entry at byte ${position}`;
      position++;
      continue;
    }
    if (position !== endBytes) wholeUpToEnd = false;
    entries.set(entry.sequence, entry.value);
    position += entry.bytes;
    endBytes = position;
  }
  return { entries, endBytes, hasTail: endBytes < bytes.length, trouble, wholeUpToEnd };
}

function checkHeader(bytes: Buffer, path: string): boolean {
  if (bytes.length < headerBytes || bytes.readUInt32LE(at.magic) !== magic) return false;
  if (crc32c(bytes.subarray(0, at.crc)) !== bytes.readUInt32LE(at.crc)) return false;
  const found = bytes.readUInt32LE(at.version);
  if (found <= metaVersion) return true;
  throw new MillraceError(
    "LOG_VERSION_UNSUPPORTED",
    `${path} has version ${found}, this release reads up to ${metaVersion}; open the directory with the release that wrote it`,
  );
}

function decodeEntry(bytes: Buffer, position: number): { sequence: number; value: unknown; bytes: number } | undefined {
  if (position + entryAt.json > bytes.length) return undefined;
  const length = bytes.readUInt32LE(position + entryAt.bytes);
  const end = position + entryAt.json + length;
  if (length > entryBytesMax || end > bytes.length) return undefined;
  if (crc32c(bytes.subarray(position + entryAt.sequence, end)) !== bytes.readUInt32LE(position + entryAt.crc)) {
    return undefined;
  }
  const sequenceAt = position + entryAt.sequence;
  const sequence = bytes.readUInt32LE(sequenceAt) + bytes.readUInt32LE(sequenceAt + 4) * two32;
  const value: unknown = JSON.parse(bytes.toString("utf8", position + entryAt.json, end));
  return { sequence, value, bytes: end - position };
}

export function encodeEntry(sequence: number, json: Buffer): Buffer {
  const bytes = Buffer.alloc(entryAt.json + json.length);
  bytes.writeUInt32LE(json.length, entryAt.bytes);
  bytes.writeUInt32LE(sequence % two32, entryAt.sequence);
  bytes.writeUInt32LE(Math.floor(sequence / two32), entryAt.sequence + 4);
  json.copy(bytes, entryAt.json);
  bytes.writeUInt32LE(crc32c(bytes.subarray(entryAt.sequence)), entryAt.crc);
  return bytes;
}

/** A whole mirror. */
export function encodeMirror(entries: ReadonlyMap<number, unknown>): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(magic, at.magic);
  header.writeUInt32LE(metaVersion, at.version);
  header.writeUInt32LE(crc32c(header.subarray(0, at.crc)), at.crc);
  const sequences = [...entries.keys()].sort((one, other) => one - other);
  const encoded = sequences.map((sequence) => {
    const json = Buffer.from(JSON.stringify(entries.get(sequence)), "utf8");
    return encodeEntry(sequence, json);
  });
  return Buffer.concat([header, ...encoded]);
}

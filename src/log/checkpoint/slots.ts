/**
 * The checkpoint, twice: two files of the same content, written and synced one after the other. A crash in between
 * leaves one of them whole, and so does damage to one. The newest whole one counts.
 *
 *   0        4        8                16               24       28       32
 *   +--------+--------+----------------+----------------+--------+--------+------
 *   | magic  | version| sequence       | body bytes     | body   | head   | body
 *   |        |        |                |                | crc    | crc    |
 *   +--------+--------+----------------+----------------+--------+--------+------
 */
import { crc32c } from "../../base/crc32c.js";
import { MillraceError } from "../../base/errors.js";
import { type Disk, readFully, writeFully } from "../../disk/disk.js";
import type { Finding } from "../finding.js";

const magic = 0x4b43524d; // "MRCK"
export const checkpointVersion = 1;
const headerBytes = 32;
const at = { magic: 0, version: 4, sequence: 8, bytes: 16, bodyCrc: 24, headCrc: 28 } as const;
const two32 = 4_294_967_296;

export const slotNames = ["checkpoint.0", "checkpoint.1"] as const;

export type SlotName = (typeof slotNames)[number];

export type SlotContent = { readonly state: "missing" } | { readonly state: "damaged"; readonly what: string } | { readonly state: "whole"; readonly sequence: number; readonly body: Buffer };

/**
 * Writes both slots. When it resolves, `body` is what the next process finds.
 * `intact` is the one that must be kept until the other is durable: the other may be damaged.
 */
export async function writeSlots(disk: Disk, intact: SlotName, { sequence, body }: { readonly sequence: number; readonly body: Uint8Array }): Promise<void> {
  const header = encodeHeader(sequence, body);
  for (const name of slotNames.toSorted((a, b) => Number(a === intact) - Number(b === intact))) {
    const fresh = !disk.exists(name);
    const file = disk.open(name, fresh ? "create" : "write");
    try {
      writeFully(file, body, headerBytes);
      writeFully(file, header, 0);
      await file.sync();
    } finally {
      file.close();
    }
    if (fresh) await disk.syncDirectory("");
  }
}

export function readSlot(disk: Disk, name: string): SlotContent {
  if (!disk.exists(name)) return { state: "missing" };
  const file = disk.open(name, "read");
  try {
    const size = file.size();
    const header = Buffer.alloc(headerBytes);
    if (readFully(file, header, 0) < headerBytes) return { state: "damaged", what: "it is shorter than its header" };
    if (crc32c(header.subarray(0, at.headCrc)) !== header.readUInt32LE(at.headCrc) || header.readUInt32LE(at.magic) !== magic) {
      return { state: "damaged", what: "its header does not carry its checksum" };
    }
    const version = header.readUInt32LE(at.version);
    if (version > checkpointVersion) throw newerVersion(name, version);
    const length = readU64(header, at.bytes);
    if (headerBytes + length > size) return { state: "damaged", what: "it is shorter than its header says" };
    const body = Buffer.allocUnsafe(length);
    readFully(file, body, headerBytes);
    if (crc32c(body) !== header.readUInt32LE(at.bodyCrc)) return { state: "damaged", what: "its body does not carry its checksum" };
    return { state: "whole", sequence: readU64(header, at.sequence), body };
  } finally {
    file.close();
  }
}

export interface Checkpoint {
  readonly slot: SlotName;
  readonly sequence: number;
  readonly body: Buffer;
}

/** The newest whole slot; undefined when there has never been one. @throws LOG_CORRUPT when both are damaged. */
export function readSlots(disk: Disk): { readonly checkpoint: Checkpoint | undefined; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  let checkpoint: Checkpoint | undefined;
  let missing = 0;
  for (const name of slotNames) {
    const slot = readSlot(disk, name);
    if (slot.state === "missing") missing++;
    else if (slot.state === "damaged") findings.push({ kind: "checkpoint-slot-damaged", file: name, what: `${slot.what}; the other slot is used`, lost: undefined });
    else if (checkpoint === undefined || slot.sequence > checkpoint.sequence) checkpoint = { slot: name, sequence: slot.sequence, body: slot.body };
  }
  if (checkpoint !== undefined && missing > 0) findings.push({ kind: "checkpoint-slot-damaged", file: slotNames[1], what: "a slot is missing; the other slot is used", lost: undefined });
  if (checkpoint === undefined && findings.length > 0 && missing === 0) {
    throw new MillraceError("LOG_CORRUPT", `both checkpoint slots of ${disk.where} are damaged; keep a copy of the directory and run "millrace verify" on it`);
  }
  return { checkpoint, findings };
}

function encodeHeader(sequence: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(magic, at.magic);
  header.writeUInt32LE(checkpointVersion, at.version);
  writeU64(header, sequence, at.sequence);
  writeU64(header, body.length, at.bytes);
  header.writeUInt32LE(crc32c(body), at.bodyCrc);
  header.writeUInt32LE(crc32c(header.subarray(0, at.headCrc)), at.headCrc);
  return header;
}

function newerVersion(name: string, version: number): MillraceError {
  return new MillraceError("LOG_VERSION_UNSUPPORTED", `${name} has version ${version}, this release reads up to ${checkpointVersion}; open the directory with the release that wrote it`);
}

function writeU64(bytes: Buffer, value: number, position: number): void {
  bytes.writeUInt32LE(value % two32, position);
  bytes.writeUInt32LE(Math.floor(value / two32), position + 4);
}

function readU64(bytes: Buffer, position: number): number {
  return bytes.readUInt32LE(position) + bytes.readUInt32LE(position + 4) * two32;
}

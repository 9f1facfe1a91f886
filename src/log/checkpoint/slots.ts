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
import { hasCode, MillraceError } from "../../base/errors.js";
import { type Disk, readFully, writeFully } from "../../disk/disk.js";
import type { Finding } from "../finding.js";

const magic = 0x4b43524d; // "MRCK"
export const checkpointVersion = 1;
const headerBytes = 32;
const at = { magic: 0, version: 4, sequence: 8, bytes: 16, bodyCrc: 24, headCrc: 28 } as const;
const two32 = 4_294_967_296;

export const slotNames = ["checkpoint.0", "checkpoint.1"] as const;

export type SlotName = (typeof slotNames)[number];

export type SlotContent =
  | { readonly state: "missing" }
  | { readonly state: "damaged"; readonly what: string }
  | { readonly state: "whole"; readonly sequence: number; readonly body: Buffer };

/** What a slot holds: `sequence` counts the checkpoints. */
export interface SlotEntry {
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** Writes checkpoints. At every moment one slot is whole and durable: the one written last. */
export class CheckpointSlots {
  readonly #disk: Disk;
  #intact: SlotName;

  /** @param intact the one that recovery has read */
  constructor(disk: Disk, intact: SlotName) {
    this.#disk = disk;
    this.#intact = intact;
  }

  /** When it resolves, `entry` is what the next process finds, even if one slot is damaged until then. */
  async write(entry: SlotEntry): Promise<void> {
    const [one, other] = slotNames;
    for (const name of this.#intact === one ? [other, one] : [one, other]) {
      await writeSlot(this.#disk, name, entry);
      // The second may fail for lack of room, half overwritten: then the first is the one to keep.
      this.#intact = name;
    }
  }
}

async function writeSlot(disk: Disk, name: SlotName, { sequence, body }: SlotEntry): Promise<void> {
  const fresh = !disk.exists(name);
  const file = disk.open(name, fresh ? "create" : "write");
  try {
    writeFully(file, body, headerBytes);
    writeFully(file, encodeHeader(sequence, body), 0);
    await file.sync();
  } finally {
    file.close();
  }
  if (fresh) await disk.syncDirectory("");
}

/**
 * Makes the slot that was read durable: when its sync failed, it may be in the page cache only, and the other one is
 * all that the medium has until it is written again. Then brings the other to the same state. Otherwise damage to the
 * good one would send the next recovery back to a checkpoint whose write-ahead log has been used again.
 */
export async function repairSlots(disk: Disk, checkpoint: Checkpoint): Promise<void> {
  try {
    await writeSlot(disk, checkpoint.slot, checkpoint);
    for (const name of slotNames) {
      const slot = readSlot(disk, name);
      const isSame =
        slot.state === "whole" && slot.sequence === checkpoint.sequence && slot.body.equals(checkpoint.body);
      if (!isSame) await writeSlot(disk, name, checkpoint);
    }
  } catch (error) {
    // The next checkpoint writes them, once there is room.
    if (!hasCode(error, "DISK_FULL")) throw error;
  }
}

export function readSlot(disk: Disk, name: string): SlotContent {
  if (!disk.exists(name)) return { state: "missing" };
  const file = disk.open(name, "read");
  try {
    const size = file.size();
    const header = Buffer.alloc(headerBytes);
    if (readFully(file, header, 0) < headerBytes) return { state: "damaged", what: "it is shorter than its header" };
    if (
      crc32c(header.subarray(0, at.headCrc)) !== header.readUInt32LE(at.headCrc) ||
      header.readUInt32LE(at.magic) !== magic
    ) {
      return { state: "damaged", what: "its header does not carry its checksum" };
    }
    const version = header.readUInt32LE(at.version);
    if (version > checkpointVersion) throw newerVersion(name, version);
    const length = readU64(header, at.bytes);
    if (headerBytes + length > size) return { state: "damaged", what: "it is shorter than its header says" };
    const body = Buffer.allocUnsafe(length);
    readFully(file, body, headerBytes);
    if (crc32c(body) !== header.readUInt32LE(at.bodyCrc))
      return { state: "damaged", what: "its body does not carry its checksum" };
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
export function readSlots(disk: Disk): {
  readonly checkpoint: Checkpoint | undefined;
  readonly findings: readonly Finding[];
} {
  const contents = slotNames.map((slot) => ({ slot, content: readSlot(disk, slot) }));
  let checkpoint: Checkpoint | undefined;
  for (const { slot, content } of contents) {
    if (content.state !== "whole") continue;
    const { sequence, body } = content;
    if (checkpoint === undefined || sequence > checkpoint.sequence) checkpoint = { slot, sequence, body };
  }
  if (checkpoint === undefined && contents.every(({ content }) => content.state === "damaged")) {
    throw new MillraceError(
      "LOG_CORRUPT",
      `both checkpoint slots of ${disk.where} are damaged; keep a copy of the directory and run "millrace verify" on it`,
    );
  }
  // Without a checkpoint, what there is of one was being written when the first opening ended.
  const findings = contents.flatMap(({ slot, content }) => findingsOf(slot, content, checkpoint !== undefined));
  return { checkpoint, findings };
}

function findingsOf(file: SlotName, content: SlotContent, isOtherWhole: boolean): Finding[] {
  if (content.state === "whole" || (content.state === "missing" && !isOtherWhole)) return [];
  const what = content.state === "missing" ? "it is missing" : content.what;
  const then = isOtherWhole ? "the other slot is used" : "there was no checkpoint yet";
  return [{ kind: "checkpoint-slot-damaged", file, what: `${what}; ${then}`, lost: undefined }];
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
  return new MillraceError(
    "LOG_VERSION_UNSUPPORTED",
    `${name} has version ${version}, this release reads up to ${checkpointVersion}; open the directory with the release that wrote it`,
  );
}

function writeU64(bytes: Buffer, value: number, position: number): void {
  bytes.writeUInt32LE(value % two32, position);
  bytes.writeUInt32LE(Math.floor(value / two32), position + 4);
}

function readU64(bytes: Buffer, position: number): number {
  return bytes.readUInt32LE(position) + bytes.readUInt32LE(position + 4) * two32;
}

/**
 * The meta journal: which channels and groups there are, and by which number the disk knows them.
 * Losing an entry would lose a whole channel, so it is kept twice: an entry is written and synced to mirror "a",
 * then to mirror "b", and only then acknowledged. Any damage to one mirror is repaired from the other.
 *
 *   0        4        8        12             of the file:  magic · version u32 · crc of the 8 bytes before
 *   +--------+--------+--------+
 *   | magic  | version| crc    |
 *   +--------+--------+--------+--------+------+
 *   | bytes  | crc    | sequence number | JSON |  … entries. crc covers what follows it
 *   +--------+--------+-----------------+------+
 *   0        4        8                 16
 */
import { crc32c } from "../../base/crc32c.js";
import { MillraceError } from "../../base/errors.js";
import { type Disk, type DiskFile, readFully, writeFully } from "../../disk/disk.js";
import type { Finding } from "../finding.js";

const magic = 0x414d524d; // "MRMA"
const version = 1;
const headerBytes = 12;
const entryHeadBytes = 16;
const two32 = 4_294_967_296;

/** One entry is a channel or a group; a corrupt length must not make us allocate more. */
const entryBytesMax = 1024 * 1024;

export const metaDirectory = "meta";
const mirrorNames = ["a", "b"] as const;

interface Pending {
  readonly bytes: Buffer;
  resolve(): void;
  reject(error: unknown): void;
}

/** The entries of one mirror, as far as they can be read. */
export interface MirrorContent {
  readonly entries: ReadonlyMap<number, unknown>;
  /** Behind the last entry that could be read. */
  readonly endBytes: number;
  /** In words, when something else than an end was met. */
  readonly trouble: string | undefined;
}

export class MetaJournal {
  readonly #files: readonly DiskFile[];
  #endBytes: number;
  #sequence: number;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;

  private constructor(disk: Disk, endBytes: number, sequence: number) {
    this.#files = mirrorNames.map((name) => disk.open(`${metaDirectory}/${name}`, "write"));
    this.#endBytes = endBytes;
    this.#sequence = sequence;
  }

  /** Makes an empty journal. Durable when it resolves. */
  static async create(disk: Disk): Promise<void> {
    disk.makeDirectory(metaDirectory);
    for (const name of mirrorNames) await rewriteMirror(disk, name, encodeAll(new Map()));
    await disk.syncDirectory(metaDirectory);
  }

  /** Reads both mirrors, brings them to the same state, and hands out the entries in order. */
  static async open(disk: Disk): Promise<{ journal: MetaJournal; entries: readonly unknown[]; findings: readonly Finding[] }> {
    const contents = mirrorNames.map((name) => readMirror(disk, name));
    const merged = new Map<number, unknown>();
    for (const content of contents) for (const [sequence, entry] of content.entries) merged.set(sequence, entry);
    const sequences = [...merged.keys()].sort((a, b) => a - b);
    const findings = contents.flatMap((content, index) => mirrorFindings(content, mirrorNames[index] as string));
    const last = sequences.at(-1) ?? 0;
    if (sequences.length !== last) {
      findings.push({ kind: "meta-entry-lost", file: metaDirectory, what: `${last - sequences.length} of ${last} entries are damaged in both mirrors`, lost: "channels or groups declared by them" });
    }
    const whole = encodeAll(merged);
    for (const [index, content] of contents.entries()) {
      if (content.entries.size === merged.size && content.trouble === undefined) continue;
      await rewriteMirror(disk, mirrorNames[index] as string, whole);
    }
    await disk.syncDirectory(metaDirectory);
    return { journal: new MetaJournal(disk, whole.length, last), entries: sequences.map((sequence) => merged.get(sequence)), findings };
  }

  /** Resolves once the entry is durable in both mirrors. Calls that come meanwhile share the next syncs. */
  append(entry: unknown): Promise<void> {
    const json = Buffer.from(JSON.stringify(entry), "utf8");
    if (json.length > entryBytesMax) throw new MillraceError("PAYLOAD_TOO_LARGE", `the declaration of a channel or group takes ${json.length} bytes, ${entryBytesMax} are possible`);
    return new Promise((resolve, reject) => {
      this.#pending.push({ bytes: encodeEntry(++this.#sequence, json), resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    for (const file of this.#files) file.close();
  }

  async #write(): Promise<void> {
    // Lets everything that is declared in the same turn share the syncs.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      const bytes = Buffer.concat(batch.map((pending) => pending.bytes));
      try {
        for (const file of this.#files) {
          writeFully(file, bytes, this.#endBytes);
          await file.sync();
        }
        this.#endBytes += bytes.length;
        for (const pending of batch) pending.resolve();
      } catch (error) {
        // What was written may be found at the next open, like any declaration that was not acknowledged; nothing
        // of it may stand behind the entries to come.
        this.#cutBack();
        this.#sequence -= batch.length + this.#pending.length;
        for (const pending of [...batch, ...this.#pending.splice(0)]) pending.reject(error);
      }
    }
    this.#writing = undefined;
  }

  #cutBack(): void {
    for (const file of this.#files) {
      try {
        file.truncate(this.#endBytes);
      } catch {
        // The error that brought us here is the one to tell.
      }
    }
  }
}

export function readMirror(disk: Disk, name: string): MirrorContent {
  const path = `${metaDirectory}/${name}`;
  if (!disk.exists(path)) return { entries: new Map(), endBytes: 0, trouble: "the file is missing" };
  const file = disk.open(path, "read");
  try {
    const bytes = Buffer.alloc(file.size());
    readFully(file, bytes, 0);
    return decodeMirror(bytes, path);
  } finally {
    file.close();
  }
}

function decodeMirror(bytes: Buffer, path: string): MirrorContent {
  if (bytes.length < headerBytes || bytes.readUInt32LE(0) !== magic || crc32c(bytes.subarray(0, 8)) !== bytes.readUInt32LE(8)) {
    return { entries: new Map(), endBytes: 0, trouble: "the file's header is damaged" };
  }
  const found = bytes.readUInt32LE(4);
  if (found > version) {
    throw new MillraceError("LOG_VERSION_UNSUPPORTED", `${path} has version ${found}, this release reads up to ${version}; open the directory with the release that wrote it`);
  }
  const entries = new Map<number, unknown>();
  let at = headerBytes;
  while (at < bytes.length) {
    const entry = decodeEntry(bytes, at);
    if (entry === undefined) return { entries, endBytes: at, trouble: `no whole entry at byte ${at}` };
    entries.set(entry.sequence, entry.value);
    at += entry.bytes;
  }
  return { entries, endBytes: at, trouble: undefined };
}

function decodeEntry(bytes: Buffer, at: number): { sequence: number; value: unknown; bytes: number } | undefined {
  if (at + entryHeadBytes > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at);
  const end = at + entryHeadBytes + length;
  if (length > entryBytesMax || end > bytes.length) return undefined;
  if (crc32c(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) return undefined;
  const sequence = bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * two32;
  return { sequence, value: JSON.parse(bytes.toString("utf8", at + entryHeadBytes, end)), bytes: entryHeadBytes + length };
}

function encodeEntry(sequence: number, json: Buffer): Buffer {
  const bytes = Buffer.alloc(entryHeadBytes + json.length);
  bytes.writeUInt32LE(json.length, 0);
  bytes.writeUInt32LE(sequence % two32, 8);
  bytes.writeUInt32LE(Math.floor(sequence / two32), 12);
  json.copy(bytes, entryHeadBytes);
  bytes.writeUInt32LE(crc32c(bytes.subarray(8)), 4);
  return bytes;
}

function encodeAll(entries: ReadonlyMap<number, unknown>): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(magic, 0);
  header.writeUInt32LE(version, 4);
  header.writeUInt32LE(crc32c(header.subarray(0, 8)), 8);
  const sequences = [...entries.keys()].sort((a, b) => a - b);
  return Buffer.concat([header, ...sequences.map((sequence) => encodeEntry(sequence, Buffer.from(JSON.stringify(entries.get(sequence)), "utf8")))]);
}

/** By way of another name, so that the mirror is either the old one or the new one. */
async function rewriteMirror(disk: Disk, name: string, bytes: Buffer): Promise<void> {
  const path = `${metaDirectory}/${name}`;
  const fresh = `${path}.new`;
  if (disk.exists(fresh)) disk.remove(fresh);
  const file = disk.open(fresh, "create");
  try {
    writeFully(file, bytes, 0);
    await file.sync();
  } finally {
    file.close();
  }
  disk.rename(fresh, path);
  await disk.syncDirectory(metaDirectory);
}

function mirrorFindings(content: MirrorContent, name: string): Finding[] {
  if (content.trouble === undefined) return [];
  return [{ kind: "meta-mirror-damaged", file: `${metaDirectory}/${name}`, what: `${content.trouble}; the other mirror is used`, lost: undefined }];
}

/**
 * The meta journal: which channels and groups there are, and by which number the disk knows them.
 * Losing an entry would lose a whole channel, so it is kept twice: an entry is written and synced to mirror "a",
 * then to mirror "b", and only then acknowledged. What one mirror has lost is repaired from the other.
 */
import { MillraceError } from "../../base/errors.js";
import { type Disk, type DiskFile, writeFully } from "../../disk/disk.js";
import type { Finding } from "../finding.js";
import { quarantine } from "../quarantine.js";
import {
  encodeEntry,
  encodeMirror,
  entryBytesMax,
  metaDirectory,
  type MirrorContent,
  mirrorNames,
  readMirror,
} from "./mirror.js";

interface Pending {
  readonly bytes: Buffer;
  resolve(): void;
  reject(error: unknown): void;
}

/** What both mirrors say together. */
export interface MetaContent {
  readonly mirrors: readonly MirrorContent[];
  /** By sequence number, in order. */
  readonly entries: ReadonlyMap<number, unknown>;
  readonly findings: readonly Finding[];
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
    for (const name of mirrorNames) await rewriteMirror(disk, name, encodeMirror(new Map()));
  }

  /** Brings both mirrors to what `readMeta` has read, and makes that durable. */
  static async open(disk: Disk, content: MetaContent): Promise<MetaJournal> {
    const whole = encodeMirror(content.entries);
    const isLossy = content.findings.some((finding) => finding.lost !== undefined);
    for (const mirror of content.mirrors) {
      if (isLossy) await quarantine(disk, `${metaDirectory}/${mirror.name}`);
      const isComplete = mirror.wholeUpToEnd && mirror.endBytes === whole.length;
      if (isComplete) await keepMirror(disk, mirror);
      else await rewriteMirror(disk, mirror.name, whole);
    }
    await disk.syncDirectory(metaDirectory);
    return new MetaJournal(disk, whole.length, lastOf(content.entries));
  }

  /** Resolves once the entry is durable in both mirrors. Calls that come meanwhile share the next syncs. */
  append(entry: unknown): Promise<void> {
    const json = Buffer.from(JSON.stringify(entry), "utf8");
    if (json.length > entryBytesMax) {
      const what = `the declaration of a channel or group takes ${json.length} bytes, ${entryBytesMax} are possible`;
      throw new MillraceError("PAYLOAD_TOO_LARGE", what);
    }
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

/** Reads both mirrors. Changes nothing. @throws LOG_CORRUPT when neither can be read at all, LOG_VERSION_UNSUPPORTED */
export function readMeta(disk: Disk): MetaContent {
  const mirrors = mirrorNames.map((name) => readMirror(disk, name));
  if (mirrors.every(({ entries, wholeUpToEnd }) => entries.size === 0 && !wholeUpToEnd)) {
    throw new MillraceError(
      "LOG_CORRUPT",
      `both mirrors of the meta journal of ${disk.where} are damaged or missing; keep a copy of the directory and run "millrace verify" on it`,
    );
  }
  const merged = new Map<number, unknown>();
  for (const { entries } of mirrors) for (const [sequence, entry] of entries) merged.set(sequence, entry);
  const entries = new Map([...merged].sort(([one], [other]) => one - other));
  const [a, b] = mirrors as [MirrorContent, MirrorContent];
  return { mirrors, entries, findings: [...damageOf(a, b), ...damageOf(b, a), ...lossOf(entries, [a, b])] };
}

function damageOf({ name, trouble, entries }: MirrorContent, other: MirrorContent): Finding[] {
  const lacking = [...other.entries.keys()].filter((sequence) => !entries.has(sequence)).length;
  if (trouble === undefined && lacking === 0) return [];
  const what = trouble ?? `it lacks ${lacking} of the entries that mirror ${other.name} has`;
  const file = `${metaDirectory}/${name}`;
  return [
    { kind: "meta-mirror-damaged", file, what: `${what}; what mirror ${other.name} has is used`, lost: undefined },
  ];
}

function lossOf(entries: ReadonlyMap<number, unknown>, [a, b]: readonly [MirrorContent, MirrorContent]): Finding[] {
  const last = lastOf(entries);
  const lost = "the channels and groups that were declared there";
  const missing = last - entries.size;
  if (missing > 0) {
    return [
      {
        kind: "meta-entry-lost",
        file: metaDirectory,
        what: `${missing} of ${last} entries are damaged in both mirrors`,
        lost,
      },
    ];
  }
  // "b" is written once "a" is durable: whatever was begun in "b" has been whole in "a".
  const isGone = a.trouble !== undefined && b.hasTail && lastOf(a.entries) <= lastOf(b.entries);
  if (!isGone) return [];
  return [{ kind: "meta-entry-lost", file: metaDirectory, what: "the last entries are damaged in both mirrors", lost }];
}

function lastOf(entries: ReadonlyMap<number, unknown>): number {
  let last = 0;
  for (const sequence of entries.keys()) last = Math.max(last, sequence);
  return last;
}

/**
 * A mirror that has everything. Synced, because it may have been read from a page cache: the process that wrote it may
 * have died before its sync.
 */
async function keepMirror(disk: Disk, { name, endBytes, hasTail }: MirrorContent): Promise<void> {
  const file = disk.open(`${metaDirectory}/${name}`, "write");
  try {
    if (hasTail) file.truncate(endBytes);
    await file.sync();
  } finally {
    file.close();
  }
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

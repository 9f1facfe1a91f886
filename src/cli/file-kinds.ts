import type { Disk } from "../disk/disk.js";
import { systemCodeOf } from "../disk/failure.js";
import { dumpSegmentFile, isSegmentFile } from "../log/dump/segment-dump.js";
import { dumpCheckpoint, dumpMeta, dumpPages } from "../log/dump/state-dump.js";
import { type DumpLine, dumpWal } from "../log/dump/wal-dump.js";

export interface DumpOptions {
  /** Every record of a batch, too. */
  readonly records: boolean;
}

/** What a file of a data directory is, by its place in it, and how its structure is printed. */
export interface FileKind {
  readonly name: string;
  /** Undefined where there is nothing to tell apart inside. */
  readonly dump: ((disk: Disk, path: string, options: DumpOptions) => Iterable<DumpLine>) | undefined;
}

interface Place extends FileKind {
  readonly holds: (path: string) => boolean;
}

const places: readonly Place[] = [
  { holds: (path) => /^wal\/[^/]+$/.test(path), name: "write-ahead log", dump: dumpWal },
  { holds: (path) => /^checkpoint\.[01]$/.test(path), name: "checkpoint", dump: dumpCheckpoint },
  {
    holds: (path) => /^meta\/[ab]$/.test(path),
    name: "meta journal",
    dump: (disk, path) => dumpMeta(disk, path.slice("meta/".length)),
  },
  { holds: (path) => /^g\/.+\.ack$/.test(path), name: "settle pages", dump: dumpPages },
  { holds: (path) => /^d\/.+\.ids$/.test(path), name: "ids", dump: dumpPages },
  { holds: (path) => path.startsWith("t/") && isSegmentFile(path), name: "segment", dump: dumpSegmentFile },
  { holds: (path) => path.startsWith("LOCK"), name: "lock", dump: undefined },
  { holds: (path) => path === "reserve", name: "reserve", dump: undefined },
  { holds: (path) => path.startsWith("quarantine/"), name: "set aside by recovery", dump: undefined },
];

const unknown: FileKind = { name: "not ours", dump: undefined };

export function fileKindOf(path: string): FileKind {
  return places.find((place) => place.holds(path)) ?? unknown;
}

export function isDirectory(disk: Disk, path: string): boolean {
  try {
    disk.list(path);
    return true;
  } catch (error) {
    if (error instanceof Error && systemCodeOf(error.cause) === "ENOTDIR") return false;
    throw error;
  }
}

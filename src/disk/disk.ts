/**
 * The contract between us and a file system: what the log needs, and no more.
 *
 * Paths are relative to the disk's root, with "/" between names; "" is the root itself. Reads and writes are synchronous: they go to the
 * page cache in microseconds, and a caller that need not await between two of them cannot be interleaved.
 * Syncs are asynchronous: they take as long as the medium does, and the next batch gathers meanwhile.
 *
 * We assume: `sync` resolves after the medium has the file's bytes and size; a rename is atomic; a write never
 *   harms bytes outside its range.
 * We do not assume: that a write is whole after a crash, that writes reach the medium in order, that a file's entry
 *   in its directory survives without `syncDirectory`, or that a sync that failed may be tried again.
 *
 * Every method throws (or rejects with) `MillraceError`: DISK_FULL, DISK_READ_ONLY or DISK_FAILED with the system's
 * error as `cause`. Implementations: `node.ts`, `memory.ts`, `simulated.ts`.
 */
export interface Disk {
  /** Where this is, for messages. */
  readonly where: string;
  /** Creates the directory and its parents; nothing when it exists. Durable after `syncDirectory` of each parent. */
  makeDirectory(path: string): void;
  /** Names in the directory in no order; empty when there is no such directory. */
  list(path: string): string[];
  exists(path: string): boolean;
  /**
   * "read": must exist. "write": must exist, for reading and writing. "create": must not exist.
   */
  open(path: string, mode: "read" | "write" | "create"): DiskFile;
  /** Renames a file; replaces `to` when it exists. Durable after `syncDirectory` of both directories. */
  rename(from: string, to: string): void;
  /** Removes a file. Who has it open can still use it. Durable after `syncDirectory`. */
  remove(path: string): void;
  /** Removes an empty directory. Durable after `syncDirectory` of its parent. */
  removeDirectory(path: string): void;
  /** Resolves once the entries of the directory (created, renamed and removed names) are durable. */
  syncDirectory(path: string): Promise<void>;
  /** Space that can still be written, in bytes. */
  freeBytes(): number;
}

export interface DiskFile {
  readonly path: string;
  /** In bytes. */
  size(): number;
  /** Returns how many bytes were read: fewer than asked at the end of the file, 0 past it. */
  read(into: Uint8Array, position: number): number;
  /** Returns how many bytes were written: at least one, may be fewer than asked, then the caller goes on from there. */
  write(bytes: Uint8Array, position: number): number;
  /** `fdatasync`. After a rejection the file's unsynced bytes must be taken for lost. */
  sync(): Promise<void>;
  /** Cuts the file, or extends it with zeros. */
  truncate(bytes: number): void;
  /** A second time is harmless; any other use after it is a defect. A sync that is running ends as it would have. */
  close(): void;
}

/** Writes all of `bytes`, however short the single writes are. */
export function writeFully(file: DiskFile, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    const rest = written === 0 ? bytes : bytes.subarray(written);
    written += file.write(rest, position + written);
  }
}

/** Reads until `into` is full or the file ends; returns how many bytes were read. */
export function readFully(file: DiskFile, into: Uint8Array, position: number): number {
  let read = 0;
  while (read < into.length) {
    const got = file.read(read === 0 ? into : into.subarray(read), position + read);
    if (got === 0) break;
    read += got;
  }
  return read;
}

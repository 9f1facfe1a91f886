import type { Disk, DiskFile } from "../../disk/disk.js";
import { Recent } from "./recent.js";
import type { SegmentIndexes } from "./indexes.js";

/** A sealed segment's indexes take about 0.3 % of its size. */
const indexesMax = 32;

/**
 * The segment files of a data directory that are open just now, at most `filesMax`: opening one more closes the one not used
 * for longest. A handle is good until the next call here; nobody keeps one.
 *
 * We assume: `fdatasync` flushes a file's bytes through whichever handle they were written. So a file with unsynced
 * bytes may be closed, and synced through another handle later.
 */
export class OpenFiles {
  readonly disk: Disk;
  /** Indexes of sealed segments that were used last, by the path of the segment. */
  readonly indexes: Recent<string, SegmentIndexes> = new Recent<string, SegmentIndexes>(indexesMax, () => {});
  readonly #files: Recent<string, DiskFile>;

  constructor(disk: Disk, filesMax: number) {
    this.disk = disk;
    this.#files = new Recent<string, DiskFile>(filesMax, (file) => file.close());
  }

  /** Throws when there is no such file. */
  get(path: string): DiskFile {
    return this.#files.get(path) ?? this.#open(path, "write");
  }

  /** undefined when there is no such file. */
  find(path: string): DiskFile | undefined {
    return this.#files.get(path) ?? (this.disk.exists(path) ? this.#open(path, "write") : undefined);
  }

  /** The file, made when it does not exist. */
  make(path: string): DiskFile {
    return this.find(path) ?? this.#open(path, "create");
  }

  remove(path: string): void {
    this.forget(path);
    if (this.disk.exists(path)) this.disk.remove(path);
  }

  /** Closes the file. */
  forget(path: string): void {
    this.#files.delete(path);
    this.indexes.delete(path);
  }

  close(): void {
    this.#files.clear();
    this.indexes.clear();
  }

  #open(path: string, mode: "write" | "create"): DiskFile {
    const file = this.disk.open(path, mode);
    this.#files.set(path, file);
    return file;
  }
}

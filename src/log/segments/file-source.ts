import { type Disk, type DiskFile, readFully } from "../../disk/disk.js";
import type { BatchSource } from "./scanner.js";

/** What is known of a segment file from elsewhere. */
export interface FileBounds {
  readonly bytes: number;
  readonly endOffset: number;
}

/** A segment file that is only looked at: opened for reading, past the open files of a running log. */
export class FileSource implements BatchSource {
  readonly path: string;
  readonly bytes: number;
  readonly endOffset: number;
  readonly #file: DiskFile;

  /** Without `bounds` all of the file is taken for the segment. */
  constructor(disk: Disk, path: string, bounds?: FileBounds) {
    this.path = path;
    this.#file = disk.open(path, "read");
    this.bytes = bounds?.bytes ?? this.#file.size();
    this.endOffset = bounds?.endOffset ?? Number.MAX_SAFE_INTEGER;
  }

  /** Of the file, which may be more or less than the segment. */
  get fileBytes(): number {
    return this.#file.size();
  }

  read(into: Buffer, position: number): number {
    return readFully(this.#file, into, position);
  }

  close(): void {
    this.#file.close();
  }
}

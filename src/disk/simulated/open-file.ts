import { assert } from "../../base/assert.js";
import type { DiskFile } from "../disk.js";
import { systemError } from "../failure.js";
import { type Fault, failureOf, failWhenAsked, type Operation, shortened } from "./calls.js";
import type { Space } from "./space.js";
import type { StoredFile } from "./stored-file.js";
import { type Medium, runSync } from "./sync.js";

/** What an open file needs of its disk. */
export interface Surroundings extends Medium {
  readonly space: Space;
}

/** An open file of the simulated disk. */
export class SimulatedFile implements DiskFile {
  readonly path: string;
  readonly #disk: Surroundings;
  readonly #file: StoredFile;
  readonly #writable: boolean;
  #closed = false;

  constructor(disk: Surroundings, file: StoredFile, opened: { path: string; writable: boolean }) {
    this.#disk = disk;
    this.#file = file;
    this.path = opened.path;
    this.#writable = opened.writable;
    file.handles += 1;
  }

  size(): number {
    return this.#attempt("size", 0, () => this.#file.visible.size);
  }

  read(into: Uint8Array, position: number): number {
    assert(position >= 0, "a read begins before the file");
    return this.#attempt("read", into.length, (fault) => {
      const length = shortened(fault, into.length);
      return this.#file.visible.read(length === into.length ? into : into.subarray(0, length), position);
    });
  }

  write(bytes: Uint8Array, position: number): number {
    assert(position >= 0, "a write begins before the file");
    return this.#attempt("write", bytes.length, (fault) => {
      this.#assertWritable();
      const fitting = this.#disk.space.fitting(this.#file, position, shortened(fault, bytes.length));
      if (bytes.length > 0) this.#change(() => this.#file.write(bytes.subarray(0, fitting), position));
      return fitting;
    });
  }

  async sync(): Promise<void> {
    this.#assertOpen();
    const mark = this.#file.mark;
    await runSync(this.#disk, { operation: "sync", path: this.path }, (fault) => {
      if (fault === undefined) this.#file.commit(mark);
      else if (fault.unsynced === "are-dropped") this.#file.drop(mark);
      else this.#file.doom(mark);
    });
  }

  truncate(bytes: number): void {
    this.#attempt("truncate", bytes, () => {
      this.#assertWritable();
      this.#change(() => this.#file.truncate(bytes));
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#attempt("close", 0, () => {
      this.#closed = true;
      this.#file.handles -= 1;
      this.#disk.space.releaseIfGone(this.#file);
    });
  }

  #change(run: () => void): void {
    const before = this.#file.allocatedBytes;
    run();
    this.#disk.space.usedBytes += this.#file.allocatedBytes - before;
  }

  #attempt<T>(operation: Operation, bytes: number, run: (fault: Fault | undefined) => T): T {
    this.#assertOpen();
    try {
      const fault = this.#disk.calls.begin(operation, this.path, bytes);
      failWhenAsked(fault);
      return run(fault);
    } catch (error) {
      throw failureOf(error, { where: this.#disk.where, action: actions[operation] ?? operation, path: this.path });
    }
  }

  #assertWritable(): void {
    if (!this.#writable) throw systemError("EBADF");
  }

  #assertOpen(): void {
    assert(!this.#closed, `${this.path} is used after it was closed`);
  }
}

const actions: Partial<Record<Operation, string>> = {
  size: "ask for the size of",
  truncate: "change the size of",
};

import { freemem } from "node:os";
import { assert } from "../base/assert.js";
import { Chunks } from "./chunks.js";
import type { Disk, DiskFile } from "./disk.js";
import { diskFailure, systemError } from "./failure.js";
import { Directory, Tree } from "./tree.js";

/** A disk in this process's memory: as fast as memory, and gone with the process. Everything is always "synced". */
export function memoryDisk(): Disk {
  return new MemoryDisk();
}

const where = "memory";

class MemoryDisk implements Disk {
  readonly where = where;
  readonly #tree = new Tree<Chunks>(new Directory(), () => {});

  makeDirectory(path: string): void {
    attempt("create the directory", path, () => this.#tree.makeDirectory(path));
  }

  list(path: string): string[] {
    return attempt("list", path, () => this.#tree.list(path));
  }

  exists(path: string): boolean {
    return this.#tree.find(path) !== undefined;
  }

  open(path: string, mode: "read" | "write" | "create"): DiskFile {
    return attempt(mode === "create" ? "create" : "open", path, () => {
      if (mode === "create") this.#tree.create(path, new Chunks());
      return new MemoryFile(path, this.#tree.file(path), mode !== "read");
    });
  }

  rename(from: string, to: string): void {
    attempt("rename", from, () => this.#tree.rename(from, to));
  }

  remove(path: string): void {
    attempt("remove", path, () => this.#tree.remove(path));
  }

  removeDirectory(path: string): void {
    attempt("remove the directory", path, () => this.#tree.removeDirectory(path));
  }

  async syncDirectory(path: string): Promise<void> {
    attempt("sync the directory", path, () => this.#tree.directory(path));
  }

  freeBytes(): number {
    return freemem();
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #content: Chunks;
  readonly #writable: boolean;
  #closed = false;

  constructor(path: string, content: Chunks, writable: boolean) {
    this.path = path;
    this.#content = content;
    this.#writable = writable;
  }

  size(): number {
    this.#assertOpen();
    return this.#content.size;
  }

  read(into: Uint8Array, position: number): number {
    this.#assertOpen();
    assert(position >= 0, "a read begins before the file");
    return this.#content.read(into, position);
  }

  write(bytes: Uint8Array, position: number): number {
    this.#assertOpen();
    assert(position >= 0, "a write begins before the file");
    if (!this.#writable) throw failure("write", this.path, systemError("EBADF"));
    try {
      this.#content.write(bytes, position);
    } catch (error) {
      // The only way to fail here: the process may not have more memory.
      if (error instanceof RangeError) throw failure("write", this.path, systemError("ENOSPC", error.message));
      throw error;
    }
    return bytes.length;
  }

  async sync(): Promise<void> {
    this.#assertOpen();
  }

  truncate(bytes: number): void {
    this.#assertOpen();
    if (!this.#writable) throw failure("change the size of", this.path, systemError("EBADF"));
    this.#content.truncate(bytes);
  }

  close(): void {
    this.#closed = true;
  }

  #assertOpen(): void {
    assert(!this.#closed, `${this.path} is used after it was closed`);
  }
}

function attempt<T>(action: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw failure(action, path, error);
  }
}

function failure(action: string, path: string, cause: unknown): Error {
  return diskFailure({ where, action, path }, cause);
}

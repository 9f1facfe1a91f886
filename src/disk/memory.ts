import { freemem } from "node:os";
import { assert } from "../base/assert.js";
import { Chunks } from "./chunks.js";
import type { Disk, DiskFile } from "./disk.js";
import { diskFailure, systemError } from "./failure.js";
import { assertPath, nameOf, parentOf } from "./path.js";

/** A disk in this process's memory: as fast as memory, and gone with the process. Everything is always "synced". */
export function memoryDisk(): Disk {
  return new MemoryDisk();
}

type Entry = Chunks | Directory;

class Directory {
  readonly entries = new Map<string, Entry>();
}

class MemoryDisk implements Disk {
  readonly where = "memory";
  readonly #root = new Directory();

  makeDirectory(path: string): void {
    let directory = this.#root;
    for (const name of namesOf(path)) {
      let entry = directory.entries.get(name);
      if (entry === undefined) directory.entries.set(name, (entry = new Directory()));
      if (!(entry instanceof Directory)) throw failure("create the directory", path, "ENOTDIR");
      directory = entry;
    }
  }

  list(path: string): string[] {
    const entry = this.#find(path);
    if (entry instanceof Chunks) throw failure("list", path, "ENOTDIR");
    return entry === undefined ? [] : [...entry.entries.keys()];
  }

  exists(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  open(path: string, mode: "read" | "write" | "create"): DiskFile {
    const { parent, name } = this.#place(path, "open");
    let entry = parent.entries.get(name);
    if (mode === "create") {
      if (entry !== undefined) throw failure("create", path, "EEXIST");
      parent.entries.set(name, (entry = new Chunks()));
    }
    return new MemoryFile(path, fileOr(entry, "open", path), mode !== "read");
  }

  rename(from: string, to: string): void {
    const source = this.#place(from, "rename");
    const target = this.#place(to, "rename");
    const entry = fileOr(source.parent.entries.get(source.name), "rename", from);
    if (target.parent.entries.get(target.name) instanceof Directory) throw failure("rename", to, "EISDIR");
    source.parent.entries.delete(source.name);
    target.parent.entries.set(target.name, entry);
  }

  remove(path: string): void {
    const { parent, name } = this.#place(path, "remove");
    fileOr(parent.entries.get(name), "remove", path);
    parent.entries.delete(name);
  }

  removeDirectory(path: string): void {
    const { parent, name } = this.#place(path, "remove the directory");
    const entry = parent.entries.get(name);
    if (entry === undefined) throw failure("remove the directory", path, "ENOENT");
    if (entry instanceof Chunks) throw failure("remove the directory", path, "ENOTDIR");
    if (entry.entries.size > 0) throw failure("remove the directory", path, "ENOTEMPTY");
    parent.entries.delete(name);
  }

  async syncDirectory(path: string): Promise<void> {
    if (!(this.#find(path) instanceof Directory)) throw failure("sync the directory", path, "ENOENT");
  }

  freeBytes(): number {
    return freemem();
  }

  #find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const name of namesOf(path)) {
      if (!(entry instanceof Directory)) return undefined;
      entry = entry.entries.get(name);
    }
    return entry;
  }

  #place(path: string, action: string): { parent: Directory; name: string } {
    assertPath(path);
    assert(path !== "", "the root is a directory and stays where it is");
    const parent = this.#find(parentOf(path));
    if (parent === undefined) throw failure(action, path, "ENOENT");
    if (parent instanceof Chunks) throw failure(action, path, "ENOTDIR");
    return { parent, name: nameOf(path) };
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
    return this.#content.read(into, position);
  }

  write(bytes: Uint8Array, position: number): number {
    this.#assertOpen();
    if (!this.#writable) throw failure("write", this.path, "EBADF");
    try {
      this.#content.write(bytes, position);
    } catch (error) {
      // The only way to fail here: the process may not have more memory.
      if (error instanceof RangeError) throw failure("write", this.path, "ENOSPC");
      throw error;
    }
    return bytes.length;
  }

  sync(): Promise<void> {
    this.#assertOpen();
    return Promise.resolve();
  }

  truncate(bytes: number): void {
    this.#assertOpen();
    if (!this.#writable) throw failure("change the size of", this.path, "EBADF");
    this.#content.truncate(bytes);
  }

  close(): void {
    this.#closed = true;
  }

  #assertOpen(): void {
    assert(!this.#closed, `${this.path} is used after it was closed`);
  }
}

function namesOf(path: string): string[] {
  assertPath(path);
  return path === "" ? [] : path.split("/");
}

function fileOr(entry: Entry | undefined, action: string, path: string): Chunks {
  if (entry === undefined) throw failure(action, path, "ENOENT");
  if (entry instanceof Directory) throw failure(action, path, "EISDIR");
  return entry;
}

const texts: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EEXIST: "file exists",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  ENOTEMPTY: "directory not empty",
  EBADF: "opened for reading only",
  ENOSPC: "this process has no more memory",
};

function failure(action: string, path: string, code: string): Error {
  return diskFailure({ where: "memory", action, path }, systemError(code, texts[code] ?? code));
}

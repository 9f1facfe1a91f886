import * as fs from "node:fs";
import { dirname, resolve } from "node:path";
import { assert } from "../base/assert.js";
import type { Disk, DiskFile } from "./disk.js";
import { type Attempt, diskFailure, systemCodeOf, systemError } from "./failure.js";
import { assertPath } from "./path.js";

/** A directory of this machine's file system. `makeDirectory("")` creates it. */
export function nodeDisk(root: string): Disk {
  return new NodeDisk(resolve(root));
}

const flags = { read: "r", write: "r+", create: "wx+" } as const;

/** NTFS journals its directories and lets none be opened for a sync. */
const directoriesCanBeSynced = process.platform !== "win32";

class NodeDisk implements Disk {
  readonly where: string;

  constructor(root: string) {
    this.where = root;
  }

  makeDirectory(path: string): void {
    this.#attempt("create the directory", path, (absolute) => {
      const highest = makeDirectories(absolute);
      // Directories above the root are out of reach of `syncDirectory`, so its name is made durable here: also when
      // somebody else has made it, a moment ago perhaps.
      if (path === "") syncUpwards(absolute, dirname(highest ?? absolute));
    });
  }

  list(path: string): string[] {
    return this.#attempt("list", path, (absolute) => {
      try {
        return fs.readdirSync(absolute);
      } catch (error) {
        if (systemCodeOf(error) === "ENOENT") return [];
        throw error;
      }
    });
  }

  exists(path: string): boolean {
    // Not `existsSync`: it says "no" when the system would not answer, and we would then start afresh over old data.
    return this.#attempt("look for", path, (absolute) => {
      try {
        return fs.statSync(absolute, { throwIfNoEntry: false }) !== undefined;
      } catch (error) {
        if (systemCodeOf(error) === "ENOTDIR") return false;
        throw error;
      }
    });
  }

  open(path: string, mode: "read" | "write" | "create"): DiskFile {
    const descriptor = this.#attempt(mode === "create" ? "create" : "open", path, (absolute) =>
      fs.openSync(absolute, flags[mode]),
    );
    return new NodeFile(this.where, path, descriptor);
  }

  rename(from: string, to: string): void {
    assertPath(to);
    this.#attempt("rename", from, (absolute) => fs.renameSync(absolute, `${this.where}/${to}`));
  }

  remove(path: string): void {
    this.#attempt("remove", path, (absolute) => fs.unlinkSync(absolute));
  }

  removeDirectory(path: string): void {
    this.#attempt("remove the directory", path, (absolute) => fs.rmdirSync(absolute));
  }

  async syncDirectory(path: string): Promise<void> {
    if (!directoriesCanBeSynced) return;
    const descriptor = this.#attempt("open the directory", path, (absolute) => fs.openSync(absolute, "r"));
    await new Promise<void>((done, failed) => {
      fs.fsync(descriptor, (error) => {
        fs.closeSync(descriptor);
        if (error === null) done();
        else failed(diskFailure({ where: this.where, action: "sync the directory", path }, error));
      });
    });
  }

  freeBytes(): number {
    return this.#attempt("ask for the free space of", "", (absolute) => {
      const { bavail, bsize } = fs.statfsSync(absolute);
      return bavail * bsize;
    });
  }

  #attempt<T>(action: string, path: string, run: (absolute: string) => T): T {
    assertPath(path);
    try {
      return run(path === "" ? this.where : `${this.where}/${path}`);
    } catch (error) {
      throw diskFailure({ where: this.where, action, path }, error);
    }
  }
}

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #where: string;
  readonly #descriptor: number;
  #syncsRunning = 0;
  #closed = false;

  constructor(where: string, path: string, descriptor: number) {
    this.#where = where;
    this.path = path;
    this.#descriptor = descriptor;
  }

  size(): number {
    this.#assertOpen();
    try {
      return fs.fstatSync(this.#descriptor).size;
    } catch (error) {
      throw this.#failure("ask for the size of", error);
    }
  }

  read(into: Uint8Array, position: number): number {
    this.#assertOpen();
    assert(position >= 0, "a read begins before the file");
    try {
      return fs.readSync(this.#descriptor, into, 0, into.length, position);
    } catch (error) {
      throw this.#failure("read", error);
    }
  }

  write(bytes: Uint8Array, position: number): number {
    this.#assertOpen();
    assert(position >= 0, "a write begins before the file");
    try {
      const written = fs.writeSync(this.#descriptor, bytes, 0, bytes.length, position);
      if (written === 0 && bytes.length > 0) throw systemError("ENOSPC", "the system wrote nothing and gave no reason");
      return written;
    } catch (error) {
      throw this.#failure("write", error);
    }
  }

  sync(): Promise<void> {
    return new Promise((done, failed) => {
      this.#assertOpen();
      this.#syncsRunning += 1;
      fs.fdatasync(this.#descriptor, (error) => {
        this.#syncsRunning -= 1;
        if (this.#closed && this.#syncsRunning === 0) fs.closeSync(this.#descriptor);
        if (error === null) done();
        else failed(this.#failure("sync", error));
      });
    });
  }

  truncate(bytes: number): void {
    this.#assertOpen();
    try {
      fs.ftruncateSync(this.#descriptor, bytes);
    } catch (error) {
      throw this.#failure("change the size of", error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A descriptor closed under a running sync may be another file's by the time the sync looks at it.
    if (this.#syncsRunning > 0) return;
    try {
      fs.closeSync(this.#descriptor);
    } catch (error) {
      throw this.#failure("close", error);
    }
  }

  #assertOpen(): void {
    assert(!this.#closed, `${this.path} is used after it was closed`);
  }

  #failure(action: string, cause: unknown): Error {
    const attempt: Attempt = { where: this.#where, action, path: this.path };
    return diskFailure(attempt, cause);
  }
}

/**
 * Makes the directory and what is missing above it; returns the highest that was made. Not Node's own `recursive`: it
 * says "no such file" where the file system is read-only.
 */
function makeDirectories(directory: string): string | undefined {
  try {
    return makeUnlessThere(directory);
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT" || dirname(directory) === directory) throw error;
  }
  const highest = makeDirectories(dirname(directory));
  try {
    const lowest = makeUnlessThere(directory);
    return highest ?? lowest;
  } catch (error) {
    // What is above it is there now: /proc and its like say so when they take no files.
    throw systemCodeOf(error) === "ENOENT" ? systemError("EROFS", "nothing can be made in this file system") : error;
  }
}

/** Another process may make it at this moment: that is as good. */
function makeUnlessThere(directory: string): string | undefined {
  try {
    fs.mkdirSync(directory);
    return directory;
  } catch (error) {
    const there = fs.statSync(directory, { throwIfNoEntry: false });
    if (there?.isDirectory() === true) return undefined;
    throw there === undefined ? error : systemError("ENOTDIR");
  }
}

/** Syncs the parent of `directory` and so on up to and including `last`. What we may not read we did not make. */
function syncUpwards(directory: string, last: string): void {
  if (!directoriesCanBeSynced) return;
  let parent = directory;
  do {
    parent = dirname(parent);
    try {
      syncNow(parent);
    } catch (error) {
      if (systemCodeOf(error) !== "EACCES") throw error;
    }
  } while (parent !== last);
}

function syncNow(directory: string): void {
  const descriptor = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

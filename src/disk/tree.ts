import { assert } from "../base/assert.js";
import { systemError } from "./failure.js";
import { assertPath, nameOf, parentOf } from "./path.js";

/** The names of one directory of a disk that has no file system below it. */
export class Directory<F> {
  readonly entries = new Map<string, Entry<F>>();
}

export type Entry<F> = Directory<F> | F;

/** One name that changes hands; without an entry it goes away. */
export interface Edit<F> {
  readonly directory: Directory<F>;
  readonly name: string;
  readonly entry: Entry<F> | undefined;
}

/** What one call does to names. Its edits happen together or not at all. */
export interface NameChange<F> {
  readonly edits: readonly Edit<F>[];
  /** The directories in whose order of changes this one stands. */
  readonly follows: readonly Directory<F>[];
  /** The directory this change brings into being. */
  readonly creates?: Directory<F>;
}

/**
 * A tree of names that refuses what a file system refuses, with the system's codes. `F` is what a file is to the disk;
 * `onChange` sees every change before it is made.
 */
export class Tree<F extends object> {
  readonly root: Directory<F>;
  readonly #onChange: (change: NameChange<F>) => void;

  constructor(root: Directory<F>, onChange: (change: NameChange<F>) => void) {
    this.root = root;
    this.#onChange = onChange;
  }

  find(path: string): Entry<F> | undefined {
    assertPath(path);
    let entry: Entry<F> | undefined = this.root;
    for (const name of path === "" ? [] : path.split("/")) {
      if (!(entry instanceof Directory)) return undefined;
      entry = entry.entries.get(name);
    }
    return entry;
  }

  list(path: string): string[] {
    const entry = this.find(path);
    if (entry === undefined) return [];
    if (!(entry instanceof Directory)) throw systemError("ENOTDIR");
    return [...entry.entries.keys()];
  }

  makeDirectory(path: string): void {
    assertPath(path);
    let directory = this.root;
    for (const name of path === "" ? [] : path.split("/")) {
      let entry = directory.entries.get(name);
      if (entry === undefined) {
        const creates = (entry = new Directory<F>());
        this.#change({ edits: [{ directory, name, entry }], follows: [directory], creates });
      }
      if (!(entry instanceof Directory)) throw systemError("ENOTDIR");
      directory = entry;
    }
  }

  directory(path: string): Directory<F> {
    const entry = this.find(path);
    if (entry === undefined) throw systemError("ENOENT");
    if (!(entry instanceof Directory)) throw systemError("ENOTDIR");
    return entry;
  }

  file(path: string): F {
    const place = this.#place(path);
    return fileOf(place.directory.entries.get(place.name));
  }

  create(path: string, file: F): void {
    const place = this.#place(path);
    if (place.directory.entries.has(place.name)) throw systemError("EEXIST");
    this.#change({ edits: [{ ...place, entry: file }], follows: [place.directory] });
  }

  /** Returns the file that stood at `to` and is gone now. */
  rename(from: string, to: string): F | undefined {
    const source = this.#place(from);
    const target = this.#place(to);
    const file = fileOf(source.directory.entries.get(source.name));
    const replaced = target.directory.entries.get(target.name);
    if (replaced instanceof Directory) throw systemError("EISDIR");
    if (replaced === file) return undefined;
    const follows = source.directory === target.directory ? [source.directory] : [source.directory, target.directory];
    this.#change({
      edits: [
        { ...source, entry: undefined },
        { ...target, entry: file },
      ],
      follows,
    });
    return replaced;
  }

  /** Returns the file that is gone now. */
  remove(path: string): F {
    const place = this.#place(path);
    const file = fileOf(place.directory.entries.get(place.name));
    this.#change({ edits: [{ ...place, entry: undefined }], follows: [place.directory] });
    return file;
  }

  removeDirectory(path: string): void {
    const place = this.#place(path);
    const removed = this.directory(path);
    if (removed.entries.size > 0) throw systemError("ENOTEMPTY");
    // It had to be empty before: it follows every change made inside it.
    this.#change({ edits: [{ ...place, entry: undefined }], follows: [place.directory, removed] });
  }

  #change(change: NameChange<F>): void {
    this.#onChange(change);
    for (const edit of change.edits) applyEdit(edit.directory.entries, edit);
  }

  #place(path: string): { directory: Directory<F>; name: string } {
    assertPath(path);
    assert(path !== "", "the root is a directory and stays where it is");
    return { directory: this.directory(parentOf(path)), name: nameOf(path) };
  }
}

export function applyEdit<F>(entries: Map<string, Entry<F>>, edit: Edit<F>): void {
  if (edit.entry === undefined) entries.delete(edit.name);
  else entries.set(edit.name, edit.entry);
}

function fileOf<F extends object>(entry: Entry<F> | undefined): F {
  if (entry === undefined) throw systemError("ENOENT");
  if (entry instanceof Directory) throw systemError("EISDIR");
  return entry;
}

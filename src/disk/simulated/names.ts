import type { Random } from "../../base/random.js";
import { applyEdit, Directory, type Edit, type Entry, type NameChange, Tree } from "../tree.js";
import type { CrashStyle } from "./crash-style.js";
import type { StoredFile } from "./stored-file.js";

type Folder = Directory<StoredFile>;
type Names = Map<string, Entry<StoredFile>>;
interface PendingChange extends NameChange<StoredFile> {
  readonly sequence: number;
}

/** The names of the simulated disk: as they are seen, and as the medium surely has them. */
export class StoredNames {
  readonly tree: Tree<StoredFile>;
  /** What the medium has, of the directories that ever changed. All others are as they are seen. */
  readonly #durable: Map<Folder, Names>;
  #changes: PendingChange[];
  #sequence = 0;

  constructor(root: Folder = new Directory(), durable = new Map<Folder, Names>(), changes: PendingChange[] = []) {
    this.tree = new Tree(root, (change) => this.#remember(change));
    this.#durable = durable;
    this.#changes = changes;
    this.#sequence = changes.at(-1)?.sequence ?? 0;
  }

  /** All changes up to this mark are what a sync of a directory that begins now must make durable. */
  get mark(): number {
    return this.#sequence;
  }

  /**
   * A sync of `folder` that began at `mark` succeeded. Changes of one directory become durable in their order, and a
   * rename between two takes along what came before it in both, as a journal does.
   */
  commit(folder: Folder, mark: number): void {
    const due = this.#dueWith(folder, mark);
    for (const change of this.#changes) {
      if (due.has(change)) for (const edit of change.edits) applyEdit(this.#durableOf(edit.directory), edit);
    }
    this.#changes = this.#changes.filter((change) => !due.has(change));
  }

  /** What the next process finds after a loss of power. `survivor` is what is left of a file. */
  afterCrash(style: CrashStyle, random: Random, survivor: (file: StoredFile) => StoredFile): StoredNames {
    const edits = new Map<Folder, Edit<StoredFile>[]>();
    for (const edit of this.#surviving(style, random).flatMap((change) => change.edits)) {
      const known = edits.get(edit.directory);
      if (known === undefined) edits.set(edit.directory, [edit]);
      else known.push(edit);
    }
    const build = (folder: Folder): Folder => {
      const names: Names = new Map(this.#durable.get(folder) ?? folder.entries);
      for (const edit of edits.get(folder) ?? []) applyEdit(names, edit);
      const built: Folder = new Directory();
      for (const [name, entry] of names) {
        built.entries.set(name, entry instanceof Directory ? build(entry) : survivor(entry));
      }
      return built;
    };
    return new StoredNames(build(this.tree.root));
  }

  /** The same names, seen and durable, for a disk that goes its own way from here. */
  fork(forkFile: (file: StoredFile) => StoredFile): StoredNames {
    const known = new Map<Entry<StoredFile>, Entry<StoredFile>>();
    const forkEntry = <E extends Entry<StoredFile>>(entry: E): E => {
      let copy = known.get(entry);
      if (copy === undefined) {
        known.set(entry, (copy = entry instanceof Directory ? new Directory() : forkFile(entry)));
        if (entry instanceof Directory) forkNames(entry.entries, (copy as Folder).entries);
      }
      return copy as E;
    };
    const forkNames = (from: Names, to: Names): Names => {
      for (const [name, entry] of from) to.set(name, forkEntry(entry));
      return to;
    };
    const changes = this.#changes.map((change) => ({
      sequence: change.sequence,
      edits: change.edits.map(({ directory, name, entry }) => ({
        directory: forkEntry(directory),
        name,
        entry: entry && forkEntry(entry),
      })),
      follows: change.follows.map(forkEntry),
      ...(change.creates && { creates: forkEntry(change.creates) }),
    }));
    const durable = new Map<Folder, Names>();
    for (const [folder, names] of this.#durable) durable.set(forkEntry(folder), forkNames(names, new Map()));
    return new StoredNames(forkEntry(this.tree.root), durable, changes);
  }

  #remember(change: NameChange<StoredFile>): void {
    for (const edit of change.edits) this.#durableOf(edit.directory);
    this.#sequence += 1;
    this.#changes.push({ ...change, sequence: this.#sequence });
  }

  #durableOf(folder: Folder): Names {
    let names = this.#durable.get(folder);
    if (names === undefined) this.#durable.set(folder, (names = new Map(folder.entries)));
    return names;
  }

  #dueWith(folder: Folder, mark: number): Set<PendingChange> {
    const due = new Set<PendingChange>();
    const ordered = new Set([folder]);
    const needed = new Set<Folder>();
    for (const change of this.#changes.toReversed()) {
      const brings = change.creates !== undefined && needed.has(change.creates);
      if (change.sequence > mark || !(brings || change.follows.some((each) => ordered.has(each)))) continue;
      due.add(change);
      for (const each of change.follows) {
        ordered.add(each);
        // What moves between directories must not fall between them: both have to be there.
        if (brings || change.follows.length > 1) needed.add(each);
      }
    }
    return due;
  }

  #surviving(style: CrashStyle, random: Random): PendingChange[] {
    if (style.names === "all") return this.#changes;
    if (style.names === "none" || this.#changes.length === 0) return [];
    const chance = Math.sqrt(random());
    const ended = new Set<Folder>();
    return this.#changes.filter((change) => {
      const survives = random() < chance && !change.follows.some((each) => ended.has(each));
      if (survives) return true;
      for (const each of change.follows) ended.add(each);
      if (change.creates !== undefined) ended.add(change.creates);
      return false;
    });
  }
}

import type { Random } from "../base/random.js";
import type { Disk, DiskFile } from "./disk.js";
import { Calls, failureOf, failWhenAsked, type FaultPlan, type Operation, type TraceEntry } from "./simulated/calls.js";
import { type CrashStyle, type CrashStyleName, crashStyles } from "./simulated/crash-style.js";
import { StoredNames } from "./simulated/names.js";
import { SimulatedFile, type Surroundings } from "./simulated/open-file.js";
import { Space } from "./simulated/space.js";
import { StoredFile } from "./simulated/stored-file.js";
import { survivingContent } from "./simulated/survivors.js";
import { runSync } from "./simulated/sync.js";
import { Directory } from "./tree.js";

export { type DiskCall, type Fault, type FaultPlan, SimulatedCrash, type TraceEntry } from "./simulated/calls.js";
export { type CrashStyle, type CrashStyleName, crashStyles } from "./simulated/crash-style.js";

export interface SimulatedDiskOptions {
  /** Room for file contents. Default: endless. */
  readonly capacityBytes?: number;
  readonly faults?: FaultPlan;
  /** Whether to remember every call for `trace`. Default: no, since it grows with every call. */
  readonly trace?: boolean;
  /** Awaited by each sync before it takes effect. Default: a sync ends when the code that runs now has ended. */
  readonly syncTakes?: () => Promise<unknown>;
}

/**
 * A disk that behaves as badly as real ones may: it forgets what was not synced, in any order and in any part; it
 * tears writes, loses names and sizes, fails or shortens calls, fills up, and lies after a failed sync.
 *
 * It has a page cache, which calls see at once, and a medium, which has what was synced. A process on it dies at
 * `crashAt`; what the next process may find is another disk: `afterCrash` when the power failed too, `afterKill` when
 * only the process died. Both leave this disk as it was, so one run can be forked at every call.
 */
export class SimulatedDisk implements Disk {
  readonly where = "the simulated disk";
  readonly #calls = new Calls();
  readonly #space: Space;
  readonly #surroundings: Surroundings;
  #names = new StoredNames();

  constructor(options: SimulatedDiskOptions = {}) {
    this.#space = new Space(options.capacityBytes);
    this.#calls.plan = options.faults;
    if (options.trace === true) this.#calls.trace = [];
    const { where } = this;
    this.#surroundings = { where, calls: this.#calls, space: this.#space, syncTakes: options.syncTakes };
  }

  // --- The disk ---

  makeDirectory(path: string): void {
    this.#attempt("makeDirectory", path, () => this.#names.tree.makeDirectory(path));
  }

  list(path: string): string[] {
    return this.#attempt("list", path, () => this.#names.tree.list(path));
  }

  exists(path: string): boolean {
    return this.#attempt("exists", path, () => this.#names.tree.find(path) !== undefined);
  }

  open(path: string, mode: "read" | "write" | "create"): DiskFile {
    return this.#attempt(mode === "create" ? "create" : "open", path, () => {
      if (mode === "create") this.#names.tree.create(path, new StoredFile());
      const file = this.#names.tree.file(path);
      return new SimulatedFile(this.#surroundings, file, { path, writable: mode !== "read" });
    });
  }

  rename(from: string, to: string): void {
    this.#attempt("rename", from, () => this.#unlinked(this.#names.tree.rename(from, to)));
  }

  remove(path: string): void {
    this.#attempt("remove", path, () => this.#unlinked(this.#names.tree.remove(path)));
  }

  removeDirectory(path: string): void {
    this.#attempt("removeDirectory", path, () => this.#names.tree.removeDirectory(path));
  }

  async syncDirectory(path: string): Promise<void> {
    const directory = this.#find("syncDirectory", path, () => this.#names.tree.directory(path));
    const { mark } = this.#names;
    await runSync(this.#surroundings, { operation: "syncDirectory", path }, (fault) => {
      if (fault === undefined) this.#names.commit(directory, mark);
    });
  }

  freeBytes(): number {
    return this.#attempt("freeBytes", "", () => this.#space.freeBytes);
  }

  // --- The process on it, and what becomes of both ---

  /** How many calls were made so far, which is the number of the next one. */
  get calls(): number {
    return this.#calls.made;
  }

  /** The process dies at the call of this number: it is not made, no later one is, and no sync resolves any more. */
  crashAt(call: number): void {
    this.#calls.crashAt = call;
  }

  get crashed(): boolean {
    return this.#calls.dead;
  }

  whenCrashed(): Promise<void> {
    return this.#calls.whenDead();
  }

  /** A new plan, from the next call on. */
  set faults(plan: FaultPlan | undefined) {
    this.#calls.plan = plan;
  }

  /** What the next process finds after a loss of power: all of it is durable. The same `random` finds the same. */
  afterCrash(style: CrashStyle | CrashStyleName, random: Random, options?: SimulatedDiskOptions): SimulatedDisk {
    const chosen = typeof style === "string" ? crashStyles[style] : style;
    const next = new SimulatedDisk({ capacityBytes: this.#space.capacityBytes, ...options });
    next.#names = this.#names.afterCrash(chosen, random, (file) => {
      const content = survivingContent(file, chosen, random);
      return next.#adopt(new StoredFile(content, content.share()), Math.min(file.allocatedBytes, content.size));
    });
    return next;
  }

  /**
   * What the next process finds when only the process died: all that it wrote, and what was not synced is still not:
   * a loss of power after it may take it away.
   */
  afterKill(options?: SimulatedDiskOptions): SimulatedDisk {
    const next = new SimulatedDisk({ capacityBytes: this.#space.capacityBytes, ...options });
    next.#names = this.#names.fork((file) => next.#adopt(file.fork(), file.linked ? file.allocatedBytes : 0));
    return next;
  }

  // --- What tests ask and do. None of it is a call. ---

  /** Lowering it below what is used makes the disk full. */
  set capacityBytes(bytes: number) {
    this.#space.capacityBytes = bytes;
  }

  get usedBytes(): number {
    return this.#space.usedBytes;
  }

  /** How many such calls were made, of one path or of all. */
  count(operation: Operation, path?: string): number {
    return this.#calls.count(operation, path);
  }

  /** Every call in order, syncs a second time when they take effect. Empty unless asked for. */
  get trace(): readonly TraceEntry[] {
    return this.#calls.trace ?? [];
  }

  /** Puts a word of the test's own into the trace, such as "acknowledged 7". */
  note(text: string): void {
    this.#calls.trace?.push({ what: "note", path: text, bytes: 0 });
  }

  /** The paths of all files, sorted. */
  files(): string[] {
    const paths: string[] = [];
    const walk = (directory: Directory<StoredFile>, prefix: string): void => {
      for (const [name, entry] of directory.entries) {
        if (entry instanceof Directory) walk(entry, `${prefix}${name}/`);
        else paths.push(prefix + name);
      }
    };
    walk(this.#names.tree.root, "");
    return paths.toSorted();
  }

  /** A copy of what reads see. */
  bytesOf(path: string): Uint8Array {
    const { visible } = this.#names.tree.file(path);
    return visible.slice(0, visible.size).slice();
  }

  /** Whether a sync of the file would have something to make durable, or never can. */
  hasUnsynced(path: string): boolean {
    return this.#names.tree.file(path).changes.length > 0;
  }

  /** Damage: the medium turns one bit. Bit 0 is the lowest of the first byte. */
  flipBit(path: string, bit: number): void {
    const file = this.#names.tree.file(path);
    for (const content of [file.visible, file.durable]) {
      const at = Math.floor(bit / 8);
      const byte = content.slice(at, at + 1)[0];
      if (byte !== undefined) content.write(Uint8Array.of(byte ^ (1 << (bit % 8))), at);
    }
  }

  /** Damage: the file ends earlier. */
  truncateFile(path: string, bytes: number): void {
    const file = this.#names.tree.file(path);
    for (const content of [file.visible, file.durable]) content.truncate(Math.min(bytes, content.size));
  }

  #adopt(file: StoredFile, allocatedBytes: number): StoredFile {
    file.allocatedBytes = allocatedBytes;
    this.#space.usedBytes += allocatedBytes;
    return file;
  }

  #unlinked(file: StoredFile | undefined): void {
    if (file === undefined) return;
    file.linked = false;
    this.#space.releaseIfGone(file);
  }

  #attempt<T>(operation: Operation, path: string, run: () => T): T {
    return this.#find(operation, path, () => {
      failWhenAsked(this.#calls.begin(operation, path, 0));
      return run();
    });
  }

  #find<T>(operation: Operation, path: string, run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw failureOf(error, { where: this.where, action: actions[operation] ?? operation, path });
    }
  }
}

const actions: Partial<Record<Operation, string>> = {
  makeDirectory: "create the directory",
  exists: "look for",
  removeDirectory: "remove the directory",
  syncDirectory: "sync the directory",
  freeBytes: "ask for the free space of",
};

import { type Attempt, diskFailure, systemError } from "../failure.js";

export type Operation =
  | "makeDirectory"
  | "list"
  | "exists"
  | "open"
  | "create"
  | "rename"
  | "remove"
  | "removeDirectory"
  | "syncDirectory"
  | "freeBytes"
  | "size"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "close";

/** One call to the disk, before it is made. */
export interface DiskCall {
  /** The first call of a disk is number 0. */
  readonly number: number;
  readonly operation: Operation;
  readonly path: string;
  /** Asked to be read or written, or the new size. */
  readonly bytes: number;
  /** Whether it can change what a crash leaves behind; a crash before any other call finds nothing new. */
  readonly changes: boolean;
}

/**
 * What goes wrong with a call: it fails with a code of the system ("EIO", "ENOSPC" …), or reads or writes only its first
 * bytes. When a sync fails, its bytes are never written back, as on Linux, and a later sync succeeds without them.
 * Reads go on to see them ("stay-in-cache", the default) or see what the medium has ("are-dropped").
 * A directory's sync that fails may be tried again.
 */
export interface Fault {
  readonly fail?: string;
  readonly unsynced?: "stay-in-cache" | "are-dropped";
  readonly shorten?: number;
}

/** Is asked before every call. It may look at the disk and fork it: the call has not happened yet. */
export type FaultPlan = (call: DiskCall) => Fault | undefined;

/** A call that was made, a sync that took effect, or a note of the test's own. */
export interface TraceEntry {
  readonly what: Operation | "synced" | "syncedDirectory" | "note";
  /** Of a note: its text. */
  readonly path: string;
  readonly bytes: number;
  /** The system's code when the call failed by plan. */
  readonly failed?: string | undefined;
}

/** The process of this disk is dead. Never a `MillraceError`: nothing may handle it. */
export class SimulatedCrash extends Error {
  override readonly name = "SimulatedCrash";

  constructor() {
    super("the simulated process has crashed: it makes no more calls");
  }
}

const changing: ReadonlySet<Operation> = new Set([
  "makeDirectory",
  "create",
  "rename",
  "remove",
  "removeDirectory",
  "syncDirectory",
  "write",
  "sync",
  "truncate",
]);

/** Numbers, counts and traces the calls of one disk, asks the plan for faults, and lets the process die. */
export class Calls {
  made = 0;
  crashAt = Number.POSITIVE_INFINITY;
  plan: FaultPlan | undefined;
  trace: TraceEntry[] | undefined;
  readonly #counts = new Map<string, Map<Operation, number>>();
  #dead = false;
  #onDeath: (() => void)[] = [];

  get dead(): boolean {
    return this.#dead;
  }

  whenDead(): Promise<void> {
    if (this.#dead) return Promise.resolve();
    return new Promise((done) => {
      this.#onDeath.push(done);
    });
  }

  /** Every call passes here first. Returns what is to go wrong. */
  begin(operation: Operation, path: string, bytes: number): Fault | undefined {
    if (this.made >= this.crashAt) this.#die();
    if (this.#dead) throw new SimulatedCrash();
    const fault = this.plan?.({ number: this.made, operation, path, bytes, changes: changing.has(operation) });
    // The plan may have let the process die at this very call.
    if (this.made >= this.crashAt) return this.begin(operation, path, bytes);
    this.made += 1;
    this.#count(operation, path);
    this.trace?.push({ what: operation, path, bytes, failed: fault?.fail });
    return fault;
  }

  count(operation: Operation, path?: string): number {
    if (path !== undefined) return this.#counts.get(path)?.get(operation) ?? 0;
    let sum = 0;
    for (const counts of this.#counts.values()) sum += counts.get(operation) ?? 0;
    return sum;
  }

  #count(operation: Operation, path: string): void {
    let counts = this.#counts.get(path);
    if (counts === undefined) this.#counts.set(path, (counts = new Map()));
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
  }

  #die(): void {
    this.#dead = true;
    for (const tell of this.#onDeath.splice(0)) tell();
  }
}

export function failWhenAsked(fault: Fault | undefined): void {
  if (fault?.fail !== undefined) throw systemError(fault.fail);
}

/** How many of `bytes` a fault leaves; at least one, since a call that does nothing has to fail. */
export function shortened(fault: Fault | undefined, bytes: number): number {
  return Math.min(bytes, Math.max(1, fault?.shorten ?? bytes));
}

/** The error a call throws: a crash is none of a disk's failures. */
export function failureOf(error: unknown, attempt: Attempt): Error {
  return error instanceof SimulatedCrash ? error : diskFailure(attempt, error);
}

import type { Disk, DiskFile } from "../../src/disk/disk.js";
import { SimulatedDisk, type TraceEntry } from "../../src/disk/simulated.js";
import { turn } from "../../src/testing/manual-clock.js";

/** As a value ends with ";", and a name in JSON with a quote. */
const marks = /mark-[a-z]+-\d+(?=[;"])/g;

/** Notes in its trace which marks a write carries. Syncs take a while, so that others come meanwhile. */
export class NotingDisk extends SimulatedDisk {
  constructor() {
    super({ trace: true, syncTakes: turn });
  }

  override open(...[path, mode]: Parameters<Disk["open"]>): DiskFile {
    return new NotingFile(super.open(path, mode), (text) => this.note(text));
  }
}

class NotingFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #note: (text: string) => void;

  constructor(file: DiskFile, note: (text: string) => void) {
    this.path = file.path;
    this.#file = file;
    this.#note = note;
  }

  size(): number {
    return this.#file.size();
  }

  read(into: Uint8Array, position: number): number {
    return this.#file.read(into, position);
  }

  write(bytes: Uint8Array, position: number): number {
    const written = this.#file.write(bytes, position);
    for (const [mark] of Buffer.from(bytes).toString("latin1").matchAll(marks)) this.#note(`${this.path} has ${mark}`);
    return written;
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  truncate(bytes: number): void {
    this.#file.truncate(bytes);
  }

  close(): void {
    this.#file.close();
  }
}

/** Whether a sync of the file that began behind `from` had taken effect before `until`: places in the trace. */
export function isSynced(
  trace: readonly TraceEntry[],
  path: string,
  [from, until]: readonly [number, number],
): boolean {
  const begun: number[] = [];
  for (const [at, entry] of trace.slice(0, until).entries()) {
    if (entry.path !== path) continue;
    if (entry.what === "sync") begun.push(at);
    if (entry.what === "synced" && (begun.shift() ?? -1) > from) return true;
  }
  return false;
}

/** Where in the trace a note stands; -1 when it was not made. */
export function noteAt(trace: readonly TraceEntry[], matches: (text: string) => boolean, from = 0): number {
  return trace.findIndex((entry, at) => at >= from && entry.what === "note" && matches(entry.path));
}

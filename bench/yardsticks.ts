/**
 * What this machine can do, one thread, with as little as possible between the loop and the disk. Each is a contender, so
 * that it is measured in turn with what it is held against.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, readSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Contender } from "./contest.js";
import { BareEncoder } from "./encoder.js";
import { batchRecords, byteValues } from "./payloads.js";

const mebibyte = 1024 * 1024;
/** The size of a write-ahead log file of the engine. */
const fileBytes = 64 * mebibyte;

/** A file whose blocks exist already: overwriting them changes no metadata. Written from the start again at its end. */
export class RecycledFile {
  readonly #descriptor: number;
  #position = 0;

  constructor(path: string) {
    this.#descriptor = openSync(path, "w+");
    const zeros = Buffer.alloc(mebibyte);
    for (let written = 0; written < fileBytes;) written += writeSync(this.#descriptor, zeros, 0, zeros.length, written);
    fsyncSync(this.#descriptor);
  }

  writeSynced(bytes: Uint8Array): void {
    if (this.#position + bytes.length > fileBytes) this.#position = 0;
    const written = writeSync(this.#descriptor, bytes, 0, bytes.length, this.#position);
    if (written !== bytes.length) throw new Error(`the disk took ${written} of ${bytes.length} bytes`);
    this.#position += bytes.length;
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Encodes 1,000 records into a batch with its checksum, writes it, `fdatasync`; and again. Records a second. */
export function syncedBatches(valueBytes: number): Contender {
  return new SyncedBatches(valueBytes);
}

class SyncedBatches implements Contender {
  readonly name: string;
  readonly #values: Uint8Array[];
  readonly #encoder: BareEncoder;
  #file: RecycledFile | undefined;

  constructor(valueBytes: number) {
    this.name = `bare-batches-${valueBytes}b`;
    this.#values = byteValues(valueBytes);
    this.#encoder = new BareEncoder(batchRecords, valueBytes);
  }

  async open(directory: string): Promise<void> {
    this.#file = new RecycledFile(join(directory, "recycled"));
  }

  async round(seconds: number): Promise<readonly number[]> {
    const start = performance.now();
    const end = start + seconds * 1000;
    let records = 0;
    while (performance.now() < end) {
      this.#file?.writeSynced(this.#encoder.encode(this.#values, records, Date.now()));
      records += this.#values.length;
    }
    return [records / ((performance.now() - start) / 1000)];
  }

  async close(): Promise<void> {
    this.#file?.close();
  }
}

/** Writes 4 KiB and `fdatasync`; and again. Milliseconds of each. */
export function syncedPages(): Contender {
  return new SyncedPages();
}

class SyncedPages implements Contender {
  readonly name = "bare-sync-4kib";
  readonly #page: Buffer = Buffer.alloc(4096, 7);
  #file: RecycledFile | undefined;

  async open(directory: string): Promise<void> {
    this.#file = new RecycledFile(join(directory, "recycled"));
  }

  async round(seconds: number): Promise<readonly number[]> {
    const end = performance.now() + seconds * 1000;
    const samples: number[] = [];
    for (let before = performance.now(); before < end;) {
      this.#file?.writeSynced(this.#page);
      const after = performance.now();
      samples.push(after - before);
      before = after;
    }
    return samples;
  }

  async close(): Promise<void> {
    this.#file?.close();
  }
}

/** Reads files that the page cache holds, 1 MiB a call, into the same memory. Gigabytes a second. */
export class CachedReads {
  readonly #descriptors: number[];
  readonly #into: Buffer = Buffer.alloc(mebibyte);

  constructor(paths: readonly string[]) {
    this.#descriptors = paths.map((path) => openSync(path, "r"));
  }

  /** All files once, at least; returns gigabytes a second. */
  round(seconds: number): number {
    const start = performance.now();
    const end = start + seconds * 1000;
    let bytes = 0;
    do {
      for (const descriptor of this.#descriptors) bytes += this.#readAll(descriptor);
    } while (performance.now() < end);
    return bytes / (performance.now() - start) / 1e6;
  }

  #readAll(descriptor: number): number {
    let position = 0;
    for (;;) {
      const read = readSync(descriptor, this.#into, 0, mebibyte, position);
      if (read === 0) return position;
      position += read;
    }
  }

  close(): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
  }
}

/** Every file under `directory` whose name ends so. */
export function filesUnder(directory: string, ending: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

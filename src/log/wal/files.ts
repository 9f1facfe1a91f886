/**
 * The files of the write-ahead log: one in use, the next one prepared ahead, and spares to be used again.
 *
 *   spare ──prepare──▶ next ──roll──▶ current ──roll──▶ live ──release──▶ spare
 *     ▲ created and filled with zeros when there is none
 *
 * Files are named by a number that never changes; which one comes first is said by the generation in its header.
 * Overwriting a file whose blocks exist already syncs two to four times faster than growing one, hence the filling
 * ahead and the recycling. A header is durable before the first frame behind it is written.
 */
import { assert } from "../../base/assert.js";
import type { Clock } from "../../base/clock.js";
import { hasCode } from "../../base/errors.js";
import { type Disk, type DiskFile, writeFully } from "../../disk/disk.js";
import { encodeFileHeader, fileHeaderBytes, walVersion } from "./layout.js";

const zeroChunk = Buffer.alloc(1024 * 1024);

export interface WalFile {
  readonly name: string;
  readonly file: DiskFile;
  readonly generation: number;
  readonly salt: number;
  /** Where the next frame goes. */
  position: number;
}

/** A file whose frames recovery would need; closed when it was met at open. */
interface LiveFile {
  readonly name: string;
  readonly generation: number;
  readonly file: DiskFile | undefined;
}

export interface WalFilesOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly fileBytes: number;
  readonly flags: number;
  /** Spares beyond this are deleted. */
  readonly sparesMax: number;
  /** The highest generation, and the highest number among the names, in use so far. */
  readonly generation: number;
  readonly names: number;
}

export const walDirectory = "wal";

export class WalFiles {
  readonly #options: WalFilesOptions;
  readonly #spares: string[] = [];
  readonly #live: LiveFile[] = [];
  #current: WalFile | undefined;
  #next: WalFile | undefined;
  #preparing: Promise<void> | undefined;
  #generation: number;
  #names: number;

  constructor(options: WalFilesOptions) {
    this.#options = options;
    this.#generation = options.generation;
    this.#names = options.names;
  }

  /** The highest in use so far. */
  get generation(): number {
    return this.#generation;
  }

  get current(): WalFile {
    assert(this.#current !== undefined, "the write-ahead log has no file in use");
    return this.#current;
  }

  get nextReady(): boolean {
    return this.#next !== undefined;
  }

  /** Bytes behind the last frame of the file in use. */
  get leftBytes(): number {
    return this.#options.fileBytes - this.current.position;
  }

  /** Files that recovery would read, in bytes. */
  get liveBytes(): number {
    return (this.#live.length + 1) * this.#options.fileBytes;
  }

  /** A file met at open, whose frames are still needed. */
  adoptLive(name: string, generation: number): void {
    this.#live.push({ name, generation, file: undefined });
  }

  /** A file met at open that nobody needs. */
  adoptSpare(name: string): void {
    this.#spares.push(name);
  }

  /** Makes sure that a next file is there. Rejects with DISK_FULL when there is no room for one. */
  prepare(): Promise<void> {
    if (this.#next !== undefined) return Promise.resolve();
    this.#preparing ??= this.#prepareNext().finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  /** Writes a frame behind the last one. The caller moves `position` once it is whole. */
  write(frame: Buffer): void {
    writeFully(this.current.file, frame, this.current.position);
  }

  /** Goes over to the prepared file. */
  roll(): void {
    assert(this.#next !== undefined, "rolled before the next file was prepared");
    if (this.#current !== undefined) this.#live.push(this.#current);
    this.#current = this.#next;
    this.#next = undefined;
  }

  /** Everything before the file of `generation` has been passed by a checkpoint. */
  release(generation: number): void {
    for (let first = this.#live[0]; first !== undefined && first.generation < generation; first = this.#live[0]) {
      this.#live.shift();
      first.file?.close();
      if (this.#spares.length < this.#options.sparesMax) this.#spares.push(first.name);
      else this.#options.disk.remove(`${walDirectory}/${first.name}`);
    }
  }

  /** Resolves once no file is being prepared. */
  async settled(): Promise<void> {
    await this.#preparing?.catch(() => undefined);
  }

  close(): void {
    for (const file of [...this.#live, this.#current, this.#next]) file?.file?.close();
    this.#live.length = 0;
    this.#current = undefined;
    this.#next = undefined;
  }

  async #prepareNext(): Promise<void> {
    const spare = this.#spares.pop();
    const name = spare ?? `${String(this.#names + 1).padStart(10, "0")}.wal`;
    const path = `${walDirectory}/${name}`;
    let file: DiskFile | undefined;
    try {
      file = spare === undefined ? await this.#create(path) : this.#options.disk.open(path, "write");
      const { generation, salt } = this.#nextUse();
      const header = { version: walVersion, flags: this.#options.flags, generation, salt, bytes: this.#options.fileBytes };
      writeFully(file, encodeFileHeader(header), 0);
      await file.sync();
      this.#next = { name, file, generation, salt, position: fileHeaderBytes };
    } catch (error) {
      file?.close();
      if (spare !== undefined) this.#spares.push(spare);
      else if (hasCode(error, "DISK_FULL")) this.#removeIfThere(path);
      throw error;
    }
  }

  #nextUse(): { generation: number; salt: number } {
    const generation = ++this.#generation;
    const { clock } = this.#options;
    const salt = (Math.imul(generation, 0x9e3779b1) ^ Math.imul(Math.floor(clock.nowMs()) | 0, 0x85ebca6b)) >>> 0;
    return { generation, salt };
  }

  async #create(path: string): Promise<DiskFile> {
    const { disk, fileBytes } = this.#options;
    this.#removeIfThere(path);
    const file = disk.open(path, "create");
    try {
      for (let at = 0; at < fileBytes; at += zeroChunk.length) {
        writeFully(file, zeroChunk.subarray(0, Math.min(zeroChunk.length, fileBytes - at)), at);
        // Filling takes milliseconds; let others have their turn between the chunks.
        if (at + zeroChunk.length < fileBytes) await new Promise<void>((resolve) => this.#options.clock.soon(resolve));
      }
      await file.sync();
      await disk.syncDirectory(walDirectory);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#names++;
    return file;
  }

  #removeIfThere(path: string): void {
    if (this.#options.disk.exists(path)) this.#options.disk.remove(path);
  }
}

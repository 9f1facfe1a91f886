/**
 * The files of the write-ahead log: one in use, the next one prepared ahead, and spares to be used again.
 *
 *   spare ──prepare──▶ next ──roll──▶ current ──roll──▶ live ──release──▶ spare
 *     ▲ created and filled with zeros when there is none; gets its name when it is whole
 *
 * Files are named by a number that never changes; which one comes first is said by the generation in its header.
 * Overwriting a file whose blocks exist already syncs two to four times faster than growing one, hence the filling
 * ahead and the recycling. A header is durable before the first frame behind it is written.
 */
import { assert } from "../../base/assert.js";
import type { Clock } from "../../base/clock.js";
import { hasCode } from "../../base/errors.js";
import { type Disk, type DiskFile, writeFully } from "../../disk/disk.js";
import type { WalPosition } from "./inventory.js";
import { encodeFileHeader, fileHeaderBytes, frameHeaderBytes, walVersion } from "./layout.js";

const zeroChunk = Buffer.alloc(1024 * 1024);

export interface WalFile {
  readonly name: string;
  readonly file: DiskFile;
  readonly generation: number;
  readonly salt: number;
  readonly bytes: number;
  /** Where the next frame goes. */
  position: number;
}

/** A file whose frames recovery would need; closed when it was met at open. */
interface LiveFile {
  readonly name: string;
  readonly generation: number;
  readonly bytes: number;
  readonly file: DiskFile | undefined;
}

/** A file met at open, and where its last frame ends. */
export interface ResumableFile extends Omit<WalFile, "file" | "position"> {
  readonly isCut: boolean;
  readonly eachFrameSynced: boolean;
  readonly end: number;
}

export interface WalFilesOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly fileBytes: number;
  readonly eachFrameSynced: boolean;
  /** Spares beyond this are deleted. */
  readonly sparesMax: number;
  /** The highest generation, and the highest number among the names, in use so far. */
  readonly generation: number;
  readonly names: number;
  /** Of the last frame that recovery has found. */
  readonly lsn: number;
}

export const walDirectory = "wal";

export class WalFiles {
  readonly #options: WalFilesOptions;
  readonly #spares: string[] = [];
  readonly #live: LiveFile[] = [];
  #current: WalFile | undefined;
  #next: WalFile | undefined;
  #preparing: Promise<void> | undefined;
  #liveBytes = 0;
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

  /** Bytes behind the last frame of the file in use; none while there is no file, because the disk is full. */
  get leftBytes(): number {
    return this.#current === undefined ? 0 : this.#current.bytes - this.#current.position;
  }

  /** Where the frame behind `lsn`, the last one, will stand. */
  positionBehind(lsn: number): WalPosition {
    if (this.#current === undefined)
      return { lsn, generation: this.#generation + 1, salt: 0, position: fileHeaderBytes };
    const { generation, salt, position } = this.#current;
    return { lsn, generation, salt, position };
  }

  /** Files that recovery would read, in bytes. */
  get liveBytes(): number {
    return this.#liveBytes + (this.#current?.bytes ?? 0);
  }

  /** A file met at open, whose frames are still needed. */
  adoptLive(file: { readonly name: string; readonly generation: number; readonly bytes: number }): void {
    this.#addLive({ ...file, file: undefined });
  }

  /** A file met at open that nobody needs. */
  adoptSpare(name: string): void {
    this.#spares.push(name);
  }

  /**
   * Makes sure that a next file is there; if one has to be made, it has room for a frame of `frameBytes`.
   * Rejects with DISK_FULL when there is no room for one.
   */
  prepare(frameBytes = 0): Promise<void> {
    if (this.#next !== undefined) return Promise.resolve();
    this.#preparing ??= this.#prepareNext(frameBytes).finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  /**
   * Goes on in the last file that recovery has found, when the disk has no room for another one. What stands behind its
   * last frame is wiped out first: nothing of it may ever continue the chain. False: that file cannot be gone on with.
   */
  async resume(last: ResumableFile | undefined): Promise<boolean> {
    const live = this.#live.at(-1);
    if (last === undefined || live === undefined || live.name !== last.name) return false;
    if (last.isCut || last.bytes === 0 || last.eachFrameSynced !== this.#options.eachFrameSynced) return false;
    const { name, generation, salt, bytes, end } = last;
    // Processes after it may have begun files and committed nothing: such a file would end the chain where it was begun.
    for (const spare of this.#spares) await this.#unmake(spare);
    const file = this.#options.disk.open(`${walDirectory}/${name}`, "write");
    for (let at = end; at < bytes; at += zeroChunk.length)
      writeFully(file, zeroChunk.subarray(0, Math.min(zeroChunk.length, bytes - at)), at);
    await file.sync();
    this.#live.pop();
    this.#liveBytes -= live.bytes;
    this.#current = { name, file, generation, salt, bytes, position: end };
    return true;
  }

  /** Writes a frame behind the last one. The caller moves `position` once it is whole. */
  write(frame: Buffer): void {
    writeFully(this.current.file, frame, this.current.position);
  }

  /** Goes over to the prepared file. */
  roll(): void {
    assert(this.#next !== undefined, "rolled before the next file was prepared");
    if (this.#current !== undefined) this.#addLive(this.#current);
    this.#current = this.#next;
    this.#next = undefined;
  }

  /** Everything before the file of `generation` has been passed by a checkpoint. */
  release(generation: number): void {
    for (let first = this.#live[0]; first !== undefined && first.generation < generation; first = this.#live[0]) {
      this.#live.shift();
      this.#liveBytes -= first.bytes;
      first.file?.close();
      const isUsual = first.bytes === this.#options.fileBytes;
      if (isUsual && this.#spares.length < this.#options.sparesMax) this.#spares.push(first.name);
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

  #addLive(file: LiveFile): void {
    this.#live.push(file);
    this.#liveBytes += file.bytes;
  }

  async #prepareNext(frameBytes: number): Promise<void> {
    const bytes = Math.max(this.#options.fileBytes, fileHeaderBytes + frameBytes);
    const name = this.#spares.pop() ?? (await this.#create(bytes));
    let file: DiskFile | undefined;
    try {
      file = this.#options.disk.open(`${walDirectory}/${name}`, "write");
      // One that was cut short, or made by a process with a lower limit.
      await this.#fill(file, bytes);
      const { generation, salt } = this.#nextUse();
      // Nothing is committed before a process has its first file, so recovery's last frame is still the last one.
      const afterLsn = this.#current === undefined ? this.#options.lsn : undefined;
      const { eachFrameSynced } = this.#options;
      writeFully(
        file,
        encodeFileHeader({ version: walVersion, eachFrameSynced, generation, salt, bytes, afterLsn }),
        0,
      );
      await file.sync();
      this.#next = { name, file, generation, salt, bytes, position: fileHeaderBytes };
    } catch (error) {
      file?.close();
      this.#spares.push(name);
      throw error;
    }
  }

  #nextUse(): { generation: number; salt: number } {
    const generation = ++this.#generation;
    const { clock } = this.#options;
    const mixed = (Math.imul(generation, 0x9e3779b1) ^ Math.imul(Math.floor(clock.nowMs()) | 0, 0x85ebca6b)) >>> 0;
    // Never 0: that is what unused bytes have.
    return { generation, salt: mixed === 0 ? 1 : mixed };
  }

  /** It has another name until it is whole, so that a file which is shorter than its header says has been damaged. Returns its name. */
  async #create(bytes: number): Promise<string> {
    const { disk } = this.#options;
    const name = `${String(this.#names + 1).padStart(10, "0")}.wal`;
    const path = `${walDirectory}/${name}`;
    const fresh = `${path}.new`;
    this.#removeIfThere(fresh);
    const file = disk.open(fresh, "create");
    try {
      await this.#fill(file, bytes);
      await file.sync();
    } catch (error) {
      file.close();
      if (hasCode(error, "DISK_FULL")) this.#removeIfThere(fresh);
      throw error;
    }
    file.close();
    disk.rename(fresh, path);
    await disk.syncDirectory(walDirectory);
    this.#names++;
    return name;
  }

  /** Its header goes, and that of a frame behind it. */
  async #unmake(name: string): Promise<void> {
    const file = this.#options.disk.open(`${walDirectory}/${name}`, "write");
    try {
      writeFully(file, zeroChunk.subarray(0, Math.min(file.size(), fileHeaderBytes + frameHeaderBytes)), 0);
      await file.sync();
    } finally {
      file.close();
    }
  }

  /** With zeros from its end on. */
  async #fill(file: DiskFile, bytes: number): Promise<void> {
    for (let at = file.size(); at < bytes; at += zeroChunk.length) {
      writeFully(file, zeroChunk.subarray(0, Math.min(zeroChunk.length, bytes - at)), at);
      // Filling takes milliseconds; let others have their turn between the chunks.
      if (at + zeroChunk.length < bytes) await new Promise<void>((resolve) => this.#options.clock.soon(resolve));
    }
  }

  #removeIfThere(path: string): void {
    if (this.#options.disk.exists(path)) this.#options.disk.remove(path);
  }
}

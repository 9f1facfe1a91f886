/**
 * Which files of the write-ahead log are needed, in the order of their use, and which are free to be used again.
 *
 *   generation below that of the checkpoint's file ──▶ spare
 *   its own, or above                              ──▶ live
 *   header damaged                                 ──▶ live when its frames are needed, else spare
 *   cut off inside its header                      ──▶ spare, and told: it may have been any
 */
import { MillraceError } from "../../base/errors.js";
import { type Disk, readFully } from "../../disk/disk.js";
import type { Finding } from "../finding.js";
import { walDirectory } from "./files.js";
import {
  decodeFileHeader,
  decodeFrameHeader,
  fileHeaderBytes,
  frameHeaderBytes,
  saltOfFirstFrame,
  walVersion,
} from "./layout.js";

/** Where a checkpoint stands in the write-ahead log: everything up to and with `lsn` is in it. */
export interface WalPosition {
  readonly lsn: number;
  readonly generation: number;
  readonly salt: number;
  /** In the file of `generation`, behind the frame `lsn`. */
  readonly position: number;
}

export interface LiveWalFile {
  readonly name: string;
  readonly generation: number;
  readonly salt: number;
  /** As its header says; 0 when it has none. */
  readonly bytes: number;
  readonly eachFrameSynced: boolean;
  /** It has fewer bytes than its header says. */
  readonly isCut: boolean;
  /** Where the recovery ended after which this file was begun. */
  readonly afterLsn: number | undefined;
  /** Where frames begin that the checkpoint does not hold. */
  readonly begin: number;
}

/** A file whose header is damaged, and what its first frame says. */
interface HeadlessFile {
  readonly name: string;
  readonly salt: number;
  readonly lsn: number;
}

export class WalInventory {
  readonly live: LiveWalFile[] = [];
  readonly spares: string[] = [];
  readonly findings: Finding[] = [];
  generationMax: number;
  /** Highest number among the files' names. */
  nameMax = 0;
  readonly #disk: Disk;
  readonly #from: WalPosition;

  /** Reads the head of every file. @throws LOG_VERSION_UNSUPPORTED */
  constructor(disk: Disk, from: WalPosition) {
    this.#disk = disk;
    this.#from = from;
    this.generationMax = from.generation;
    const headless: HeadlessFile[] = [];
    for (const name of walFileNames(disk)) {
      this.nameMax = Math.max(this.nameMax, Number.parseInt(name, 10) || 0);
      const file = this.#place(name);
      if (file !== undefined) headless.push(file);
    }
    for (const file of headless) this.#placeHeadless(file);
    this.live.sort((one, other) => one.generation - other.generation);
  }

  /** Returns it when its header is damaged and its first frame is not. */
  #place(name: string): HeadlessFile | undefined {
    const { head, size } = readHead(this.#disk, name);
    const header = decodeFileHeader(head);
    if (header !== undefined) {
      if (header.version > walVersion) throw newerVersion(name, header.version);
      this.generationMax = Math.max(this.generationMax, header.generation);
      this.#sort({ ...header, name, isCut: size < header.bytes });
      return undefined;
    }
    const salt = saltOfFirstFrame(head);
    const frame = salt === undefined ? undefined : decodeFrameHeader(head, fileHeaderBytes, salt);
    if (salt !== undefined && frame !== undefined) return { name, salt, lsn: frame.lsn };
    this.spares.push(name);
    if (size < fileHeaderBytes) {
      const what = `the file ends at byte ${size}, inside its header`;
      this.#found("wal-file-cut", name, {
        what,
        lost: "what was committed in it since the last checkpoint, if anything",
      });
    }
    return undefined;
  }

  /** It fills the gap in the generations, or is the last one. */
  #placeHeadless({ name, salt, lsn }: HeadlessFile): void {
    const isCheckpoints = salt === this.#from.salt;
    if (!isCheckpoints && lsn <= this.#from.lsn) {
      this.spares.push(name);
      return;
    }
    let generation = this.#from.generation;
    const taken = new Set([...this.live.map((live) => live.generation), generation]);
    if (!isCheckpoints) while (taken.has(generation)) generation++;
    this.generationMax = Math.max(this.generationMax, generation);
    this.#sort({ name, generation, salt, bytes: 0, eachFrameSynced: true, isCut: false, afterLsn: undefined });
    const what = "the file's header is damaged; its frames say where it belongs";
    this.#found("wal-header-damaged", name, { what, lost: undefined });
  }

  #sort(file: Omit<LiveWalFile, "begin">): void {
    const { name, generation, salt, bytes, eachFrameSynced, isCut, afterLsn } = file;
    if (generation < this.#from.generation) {
      this.spares.push(name);
      return;
    }
    const begin = generation === this.#from.generation ? this.#from.position : fileHeaderBytes;
    this.live.push({ name, generation, salt, bytes, eachFrameSynced, isCut, afterLsn, begin });
  }

  #found(kind: Finding["kind"], name: string, { what, lost }: { what: string; lost: string | undefined }): void {
    this.findings.push({ kind, file: `${walDirectory}/${name}`, what, lost });
  }
}

/** A file has another ending until it is whole. */
function walFileNames(disk: Disk): string[] {
  return disk
    .list(walDirectory)
    .filter((name) => name.endsWith(".wal"))
    .sort();
}

function readHead(disk: Disk, name: string): { readonly head: Buffer; readonly size: number } {
  const file = disk.open(`${walDirectory}/${name}`, "read");
  try {
    const head = Buffer.alloc(fileHeaderBytes + frameHeaderBytes);
    return { head: head.subarray(0, readFully(file, head, 0)), size: file.size() };
  } finally {
    file.close();
  }
}

function newerVersion(name: string, version: number): MillraceError {
  return new MillraceError(
    "LOG_VERSION_UNSUPPORTED",
    `${walDirectory}/${name} has version ${version}, this release reads up to ${walVersion}; open the directory with the release that wrote it`,
  );
}

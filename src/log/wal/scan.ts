/**
 * Walks the write-ahead log from the checkpoint: frame after frame, file after file, while each continues the chain
 * (its file's salt, the next lsn, both checksums). What ends the walk is looked up in `chainDecisions`.
 */
import { crc32c } from "../../base/crc32c.js";
import { MillraceError } from "../../base/errors.js";
import { type Disk, readFully } from "../../disk/disk.js";
import type { Finding } from "../finding.js";
import { chainDecisions, type ChainFinding } from "./chain-decisions.js";
import { walDirectory } from "./files.js";
import {
  decodeFileHeader,
  decodeFrameHeader,
  fileHeaderBytes,
  flagEachFrameSynced,
  frameAlignment,
  type FrameHeader,
  frameEnd,
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

export interface ScannedFile {
  readonly name: string;
  readonly generation: number;
  readonly salt: number;
  readonly eachFrameSynced: boolean;
  /** Behind the last frame of the chain. */
  end: number;
  /** Where the last frame of the chain begins; undefined when the file has none. */
  lastFrameAt: number | undefined;
}

export interface WalScan {
  /** Files whose frames are needed, in the order of their use. */
  readonly live: readonly ScannedFile[];
  readonly spares: readonly string[];
  readonly lastLsn: number;
  readonly generationMax: number;
  /** Highest number among the files' names. */
  readonly nameMax: number;
  readonly findings: readonly Finding[];
  /** Something acknowledged may be missing. */
  readonly damaged: boolean;
}

export interface FrameVisitor {
  /** Whether everything the frame refers to is there too. */
  isWhole(body: Buffer, header: FrameHeader): boolean;
  /** Called for each frame of the chain, in order. The bytes are overwritten afterwards. */
  visit(body: Buffer, header: FrameHeader): void;
}

export function scanWal(disk: Disk, from: WalPosition, visitor: FrameVisitor): WalScan {
  return new Scanner(disk, from, visitor).run();
}

/** The next frame of the chain that can be met after a break. */
interface Resumption {
  readonly fileIndex: number;
  readonly at: number;
  readonly lsn: number;
}

class Scanner {
  readonly #disk: Disk;
  readonly #from: WalPosition;
  readonly #visitor: FrameVisitor;
  readonly #findings: Finding[] = [];
  readonly #spares: string[] = [];
  #live: ScannedFile[] = [];
  #lsn: number;
  #generationMax = 0;
  #nameMax = 0;
  #damaged = false;
  #cachedName: string | undefined;
  #cachedBytes: Buffer = Buffer.alloc(0);

  constructor(disk: Disk, from: WalPosition, visitor: FrameVisitor) {
    this.#disk = disk;
    this.#from = from;
    this.#visitor = visitor;
    this.#lsn = from.lsn;
    this.#generationMax = from.generation;
  }

  run(): WalScan {
    this.#sortFiles();
    let index = 0;
    let at: number | undefined;
    while (index < this.#live.length) {
      const stop = this.#walk(index, at);
      const resumption = this.#afterStop(index, stop);
      if (resumption === undefined) break;
      index = resumption.fileIndex;
      at = resumption.at;
      this.#lsn = resumption.lsn - 1;
    }
    return {
      live: this.#live,
      spares: this.#spares,
      lastLsn: this.#lsn,
      generationMax: this.#generationMax,
      nameMax: this.#nameMax,
      findings: this.#findings,
      damaged: this.#damaged,
    };
  }

  /** Visits frames while they continue the chain; returns where they stop doing so. */
  #walk(index: number, from: number | undefined): number {
    const file = this.#live[index] as ScannedFile;
    const bytes = this.#read(file.name);
    let at = from ?? (file.generation === this.#from.generation ? this.#from.position : fileHeaderBytes);
    for (;;) {
      const header = wholeFrame(bytes, at, file.salt);
      if (header === undefined || header.lsn !== this.#lsn + 1) return at;
      const body = bytes.subarray(at + frameHeaderBytes, at + frameHeaderBytes + header.bodyBytes);
      if (!this.#visitor.isWhole(body, header) && !this.#wasAcknowledged(index, at)) return at;
      this.#visitor.visit(body, header);
      this.#lsn = header.lsn;
      file.lastFrameAt = at;
      at = frameEnd(at, header.bodyBytes);
      file.end = at;
    }
  }

  /** Whether the frame at `at` was followed by another one, and so had been synced. */
  #wasAcknowledged(index: number, at: number): boolean {
    const file = this.#live[index] as ScannedFile;
    if (!file.eachFrameSynced) return false;
    return (this.#laterFrame(file, index, at) ?? this.#laterFile(index + 1)) !== undefined;
  }

  #afterStop(index: number, stop: number): Resumption | undefined {
    const next = this.#firstFrame(index + 1);
    if (next?.lsn === this.#lsn + 1) return next;
    const file = this.#live[index] as ScannedFile;
    const later = this.#laterFrame(file, index, stop) ?? this.#laterFile(index + 1);
    const finding = this.#classify(file, stop, later);
    const { decision, because } = chainDecisions[finding];
    if (decision === "end") return undefined;
    if (decision === "cut") {
      this.#found(finding === "hole-unsynced" ? "unsynced-tail" : "torn-tail", file, `the chain ends at byte ${stop}: ${because}`, undefined);
      return undefined;
    }
    this.#damaged = true;
    const resumption = later as Resumption;
    const lost = `commits ${this.#lsn + 1} to ${resumption.lsn - 1}`;
    this.#found("wal-frame-damaged", file, `no whole frame at byte ${stop}, but later ones: ${because}`, lost);
    return resumption;
  }

  #classify(file: ScannedFile, stop: number, later: Resumption | undefined): ChainFinding {
    if (later !== undefined) return file.eachFrameSynced ? "hole-synced" : "hole-unsynced";
    return this.#looksBegun(file, stop) ? "begun-frame" : "nothing";
  }

  /** A frame that was begun here, or one that a flipped bit has broken: salt or lsn is still what it should be. */
  #looksBegun(file: ScannedFile, at: number): boolean {
    const bytes = this.#read(file.name);
    if (at + frameHeaderBytes > bytes.length) return false;
    const lsn = bytes.readUInt32LE(at + 12) + bytes.readUInt32LE(at + 16) * 4_294_967_296;
    return bytes.readUInt32LE(at + 4) === file.salt || lsn === this.#lsn + 1;
  }

  #firstFrame(index: number): Resumption | undefined {
    const file = this.#live[index];
    if (file === undefined) return undefined;
    const header = wholeFrame(this.#read(file.name), fileHeaderBytes, file.salt);
    return header === undefined ? undefined : { fileIndex: index, at: fileHeaderBytes, lsn: header.lsn };
  }

  /** The first whole frame behind `stop` in the same file that is further on in the chain. */
  #laterFrame(file: ScannedFile, fileIndex: number, stop: number): Resumption | undefined {
    const bytes = this.#read(file.name);
    for (let at = stop + frameAlignment; at + frameHeaderBytes <= bytes.length; at += frameAlignment) {
      if (bytes.readUInt32LE(at + 4) !== file.salt) continue;
      const header = wholeFrame(bytes, at, file.salt);
      if (header !== undefined && header.lsn > this.#lsn + 1) return { fileIndex, at, lsn: header.lsn };
    }
    return undefined;
  }

  #laterFile(from: number): Resumption | undefined {
    for (let index = from; index < this.#live.length; index++) {
      const file = this.#live[index] as ScannedFile;
      const first = this.#firstFrame(index) ?? this.#laterFrame(file, index, fileHeaderBytes);
      if (first !== undefined && first.lsn > this.#lsn) return first;
    }
    return undefined;
  }

  #sortFiles(): void {
    const broken: { name: string; salt: number; lsn: number }[] = [];
    for (const name of this.#disk.list(walDirectory).sort()) {
      this.#nameMax = Math.max(this.#nameMax, Number.parseInt(name, 10) || 0);
      const head = this.#readHead(name);
      const header = decodeFileHeader(head);
      if (header !== undefined) {
        if (header.version > walVersion) throw newerVersion(name, header.version);
        this.#generationMax = Math.max(this.#generationMax, header.generation);
        this.#sortFile({ name, ...header, eachFrameSynced: (header.flags & flagEachFrameSynced) !== 0 });
        continue;
      }
      const salt = saltOfFirstFrame(head);
      const frame = salt === undefined ? undefined : decodeFrameHeader(head, fileHeaderBytes, salt);
      if (salt !== undefined && frame !== undefined) broken.push({ name, salt, lsn: frame.lsn });
      else this.#spares.push(name);
    }
    for (const file of broken) this.#sortBroken(file);
    this.#live.sort((a, b) => a.generation - b.generation);
  }

  #sortFile(file: { name: string; generation: number; salt: number; eachFrameSynced: boolean }): void {
    if (file.generation < this.#from.generation) {
      this.#spares.push(file.name);
      return;
    }
    const { name, generation, salt, eachFrameSynced } = file;
    const end = generation === this.#from.generation ? this.#from.position : fileHeaderBytes;
    this.#live.push({ name, generation, salt, eachFrameSynced, end, lastFrameAt: undefined });
  }

  /** A file with a damaged header is placed by its frames: it fills the gap in the generations, or is the last one. */
  #sortBroken(file: { name: string; salt: number; lsn: number }): void {
    const needed = file.salt === this.#from.salt || file.lsn > this.#from.lsn;
    if (!needed) {
      this.#spares.push(file.name);
      return;
    }
    const taken = new Set(this.#live.map((live) => live.generation));
    let generation = this.#from.generation;
    if (file.salt !== this.#from.salt) while (taken.has(generation) || generation === this.#from.generation) generation++;
    this.#generationMax = Math.max(this.#generationMax, generation);
    this.#sortFile({ name: file.name, generation, salt: file.salt, eachFrameSynced: true });
    this.#findings.push({ kind: "wal-header-damaged", file: `${walDirectory}/${file.name}`, what: "the file's header is damaged; its frames say where it belongs", lost: undefined });
  }

  #readHead(name: string): Buffer {
    const file = this.#disk.open(`${walDirectory}/${name}`, "read");
    try {
      const head = Buffer.alloc(fileHeaderBytes + frameHeaderBytes);
      return head.subarray(0, readFully(file, head, 0));
    } finally {
      file.close();
    }
  }

  /** The whole file. One is kept at a time: the walk goes forward. */
  #read(name: string): Buffer {
    if (this.#cachedName === name) return this.#cachedBytes;
    const file = this.#disk.open(`${walDirectory}/${name}`, "read");
    try {
      const size = file.size();
      const buffer = this.#cachedBytes.length === size ? this.#cachedBytes : Buffer.allocUnsafe(size);
      this.#cachedBytes = buffer.subarray(0, readFully(file, buffer, 0));
      this.#cachedName = name;
      return this.#cachedBytes;
    } finally {
      file.close();
    }
  }

  #found(kind: Finding["kind"], file: ScannedFile, what: string, lost: string | undefined): void {
    this.#findings.push({ kind, file: `${walDirectory}/${file.name}`, what, lost });
  }
}

/** The header of the frame at `at` when the frame is whole. */
function wholeFrame(bytes: Buffer, at: number, salt: number): FrameHeader | undefined {
  const header = decodeFrameHeader(bytes, at, salt);
  if (header === undefined) return undefined;
  const begin = at + frameHeaderBytes;
  if (begin + header.bodyBytes > bytes.length) return undefined;
  return crc32c(bytes.subarray(begin, begin + header.bodyBytes)) === header.bodyCrc ? header : undefined;
}

function newerVersion(name: string, version: number): MillraceError {
  return new MillraceError(
    "LOG_VERSION_UNSUPPORTED",
    `${walDirectory}/${name} has version ${version}, this release reads up to ${walVersion}; open the directory with the release that wrote it`,
  );
}

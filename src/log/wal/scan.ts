/**
 * Walks the write-ahead log from the checkpoint: frame after frame, file after file, while each continues the chain
 * (its file's salt, the next lsn, both checksums). What ends the walk is looked up in `chainDecisions`.
 */
import { crc32c } from "../../base/crc32c.js";
import type { Disk } from "../../disk/disk.js";
import type { Finding } from "../finding.js";
import { chainDecisions, type ChainFinding } from "./chain-decisions.js";
import { walDirectory } from "./files.js";
import { type LiveWalFile, WalInventory, type WalPosition } from "./inventory.js";
import {
  decodeFrameHeader,
  fileHeaderBytes,
  frameAlignment,
  type FrameHeader,
  frameEnd,
  frameHeaderBytes,
  nextCandidate,
  resemblesFrame,
} from "./layout.js";
import { LoadedFiles } from "./loaded-files.js";

export type { WalPosition } from "./inventory.js";

export interface ScannedFile extends LiveWalFile {
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

/** A place where no frame continues the chain. */
interface Stop {
  readonly index: number;
  readonly at: number;
  /** The first frame found behind it. */
  readonly later: Resumption | undefined;
  /** A file that is shorter than it was made, between here and there. */
  readonly cut: ScannedFile | undefined;
}

class Scanner {
  readonly #from: WalPosition;
  readonly #visitor: FrameVisitor;
  readonly #inventory: WalInventory;
  readonly #live: readonly ScannedFile[];
  readonly #loaded: LoadedFiles;
  readonly #findings: Finding[];
  #lsn: number;

  constructor(disk: Disk, from: WalPosition, visitor: FrameVisitor) {
    this.#from = from;
    this.#visitor = visitor;
    this.#inventory = new WalInventory(disk, from);
    this.#live = this.#inventory.live.map((file) => ({ ...file, end: file.begin, lastFrameAt: undefined }));
    this.#loaded = new LoadedFiles(disk);
    this.#findings = [...this.#inventory.findings];
    this.#lsn = from.lsn;
  }

  run(): WalScan {
    this.#missFirstFile();
    let place: Resumption | undefined = { fileIndex: 0, at: this.#live[0]?.begin ?? 0, lsn: this.#lsn + 1 };
    while (place !== undefined && place.fileIndex < this.#live.length) {
      this.#lsn = place.lsn - 1;
      const at = this.#walk(place.fileIndex, place.at);
      place = this.#afterStop(place.fileIndex, at);
    }
    const { generationMax, nameMax } = this.#inventory;
    const findings = this.#findings;
    const damaged = findings.some(({ lost }) => lost !== undefined);
    const unused = this.#live.filter((file) => this.#isUnused(file));
    const live = this.#live.filter((file) => !unused.includes(file));
    const spares = [...this.#inventory.spares, ...unused.map(({ name }) => name)];
    return { live, spares, lastLsn: this.#lsn, generationMax, nameMax, findings, damaged };
  }

  /** Prepared, and never written to: it can be used again at once. */
  #isUnused(file: ScannedFile): boolean {
    const isNeeded = file.lastFrameAt !== undefined || file.generation === this.#from.generation;
    return !isNeeded && !this.#looksBegun(file, file.begin);
  }

  /** Visits frames while they continue the chain; returns where they stop doing so. */
  #walk(index: number, from: number): number {
    const file = this.#live[index] as ScannedFile;
    const bytes = this.#loaded.walk(file.name);
    const lsnMax = this.#lsnMax(index);
    let at = from;
    for (;;) {
      const header = wholeFrame(bytes, at, file.salt);
      if (header === undefined || header.lsn !== this.#lsn + 1 || header.lsn > lsnMax) return at;
      const body = bytes.subarray(at + frameHeaderBytes, at + frameHeaderBytes + header.bodyBytes);
      if (!this.#visitor.isWhole(body, header) && !this.#wasAcknowledged(index, at)) return at;
      this.#visitor.visit(body, header);
      this.#lsn = header.lsn;
      file.lastFrameAt = at;
      at = frameEnd(at, header.bodyBytes);
      file.end = at;
    }
  }

  /** The last frame that this file may have for us: where a recovery ended, after which a later file was begun. */
  #lsnMax(index: number): number {
    let lsnMax = Number.POSITIVE_INFINITY;
    for (const { afterLsn } of this.#live.slice(index + 1)) lsnMax = Math.min(lsnMax, afterLsn ?? lsnMax);
    return lsnMax;
  }

  /** Whether the frame at `at`, the next one, was followed by another one, or recovered before, and so had been synced. */
  #wasAcknowledged(index: number, at: number): boolean {
    const lsnMax = this.#lsnMax(index);
    if (lsnMax !== Number.POSITIVE_INFINITY) return lsnMax > this.#lsn;
    const file = this.#live[index] as ScannedFile;
    if (this.#laterFile(index + 1) !== undefined) return true;
    return file.eachFrameSynced && this.#laterFrame(index, at, this.#lsn + 2) !== undefined;
  }

  #afterStop(index: number, at: number): Resumption | undefined {
    // The frame at `at` itself may be whole, and refer to something that is not.
    const later = this.#laterFrame(index, at, this.#lsn + 2) ?? this.#laterFile(index + 1);
    const cut = this.#live.slice(index, later?.fileIndex).find((file) => file.isCut);
    const stop = { index, at, later, cut };
    if (later?.lsn === this.#lsn + 1) {
      if (cut !== undefined) this.#found("wal-file-cut", { file: cut, what: cutShort(cut), lost: undefined });
      return later;
    }
    const finding = this.#classify(stop);
    const { decision } = chainDecisions[finding];
    if (decision === "skip") return this.#skip(stop, finding);
    if (decision !== "end") this.#end(stop, finding);
    return undefined;
  }

  /** Says that the chain ends here although something follows, or may have followed. */
  #end(stop: Stop, finding: ChainFinding): void {
    const { file, at } = this.#holeOf(stop);
    const { cut } = stop;
    if (finding === "file-cut" && cut !== undefined) {
      const lost = `what was committed behind byte ${cut === file ? at : cut.begin}, if anything`;
      this.#found("wal-file-cut", { file: cut, what: cutShort(cut), lost });
      return;
    }
    const kind = finding === "hole-unsynced" ? "unsynced-tail" : "torn-tail";
    this.#found(kind, {
      file,
      what: `the chain ends at byte ${at}: ${chainDecisions[finding].because}`,
      lost: undefined,
    });
  }

  #classify({ index, at, later, cut }: Stop): ChainFinding {
    const file = this.#live[index] as ScannedFile;
    const lsnMax = this.#lsnMax(index);
    if (lsnMax !== Number.POSITIVE_INFINITY && lsnMax > this.#lsn) return "known-frame-missing";
    if (later !== undefined) {
      const hole = this.#holeOf({ index, at, later, cut });
      // Going over to the next file waits until the one before is synced, whatever the durability.
      const isSynced = hole.file.eachFrameSynced || this.#laterFile(hole.index + 1) !== undefined;
      return isSynced ? "hole-synced" : "hole-unsynced";
    }
    if (cut !== undefined) return "file-cut";
    return this.#looksBegun(file, at) ? "begun-frame" : "nothing";
  }

  /** Where the missing frames were: here, or in the file that goes on, when that does not begin with a whole frame. */
  #holeOf({ index, at, later }: Stop): { readonly index: number; readonly file: ScannedFile; readonly at: number } {
    const here = { index, file: this.#live[index] as ScannedFile, at };
    if (later === undefined || later.at === fileHeaderBytes || later.fileIndex === index) return here;
    if (this.#looksBegun(here.file, at)) return here;
    return { index: later.fileIndex, file: this.#live[later.fileIndex] as ScannedFile, at: fileHeaderBytes };
  }

  /** Says what is missing, and where to go on. */
  #skip(stop: Stop, finding: ChainFinding): Resumption | undefined {
    const { index, later } = stop;
    const upTo = later === undefined ? this.#lsnMax(index) : later.lsn - 1;
    const lost = `commits ${this.#lsn + 1} to ${upTo}`;
    const { file, at } = this.#holeOf(stop);
    this.#found("wal-frame-damaged", {
      file,
      what: `no whole frame at byte ${at}: ${chainDecisions[finding].because}`,
      lost,
    });
    if (later === undefined) this.#lsn = upTo;
    return later;
  }

  /** A frame that was begun here, or one that a flipped bit has broken: salt or lsn is still what it should be. */
  #looksBegun(file: ScannedFile, at: number): boolean {
    const bytes = this.#loaded.lookAt(file.name);
    return (
      at + frameHeaderBytes <= bytes.length &&
      resemblesFrame(bytes.subarray(at), { salt: file.salt, lsn: this.#lsn + 1 })
    );
  }

  /** The first whole frame from `start` on in the file with at least this lsn. */
  #laterFrame(fileIndex: number, start: number, lsnMin: number): Resumption | undefined {
    const file = this.#live[fileIndex] as ScannedFile;
    const bytes = this.#loaded.lookAt(file.name);
    const lsnMax = this.#lsnMax(fileIndex);
    for (
      let at = nextCandidate(bytes, start, file.salt);
      at !== undefined;
      at = nextCandidate(bytes, at + frameAlignment, file.salt)
    ) {
      const header = wholeFrame(bytes, at, file.salt);
      if (header !== undefined && header.lsn >= lsnMin && header.lsn <= lsnMax)
        return { fileIndex, at, lsn: header.lsn };
    }
    return undefined;
  }

  #laterFile(from: number): Resumption | undefined {
    for (let index = from; index < this.#live.length; index++) {
      const later = this.#laterFrame(index, fileHeaderBytes, this.#lsn + 1);
      if (later !== undefined) return later;
    }
    return undefined;
  }

  /** The checkpoint names a file, by its generation, that is not there. */
  #missFirstFile(): void {
    const isNamed = this.#from.salt !== 0;
    const isToldAlready = this.#findings.some(({ lost }) => lost !== undefined);
    if (!isNamed || this.#live[0]?.generation === this.#from.generation || isToldAlready) return;
    const goesOn = this.#laterFile(0)?.lsn === this.#lsn + 1;
    const what = "the file in which the last checkpoint stands is missing, or its header is damaged";
    const lost = goesOn ? undefined : "what was committed in it since the last checkpoint, if anything";
    this.#findings.push({ kind: "wal-file-missing", file: walDirectory, what, lost });
  }

  #found(
    kind: Finding["kind"],
    { file, what, lost }: { file: { readonly name: string }; what: string; lost: string | undefined },
  ): void {
    this.#findings.push({ kind, file: `${walDirectory}/${file.name}`, what, lost });
  }
}

function cutShort(file: ScannedFile): string {
  return `${chainDecisions["file-cut"].because}: its header says ${file.bytes} bytes`;
}

/** The header of the frame at `at` when the frame is whole. */
export function wholeFrame(bytes: Buffer, at: number, salt: number): FrameHeader | undefined {
  const header = decodeFrameHeader(bytes, at, salt);
  if (header === undefined) return undefined;
  const begin = at + frameHeaderBytes;
  if (begin + header.bodyBytes > bytes.length) return undefined;
  return crc32c(bytes.subarray(begin, begin + header.bodyBytes)) === header.bodyCrc ? header : undefined;
}

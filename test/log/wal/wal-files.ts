/** Files of the write-ahead log, made by hand, and what a scan makes of them. */
import type { Disk } from "../../../src/disk/disk.js";
import { memoryDisk } from "../../../src/disk/memory.js";
import { frameEntries, FrameWriter } from "../../../src/log/wal/frame.js";
import { encodeFileHeader, fileHeaderBytes, walVersion } from "../../../src/log/wal/layout.js";
import { scanWal, type WalPosition, type WalScan } from "../../../src/log/wal/scan.js";
import { contentOf, replace } from "../segments/fixture.js";

export const fileBytes = 2048;

export interface FileSpec {
  readonly generation: number;
  /** Of the frames in it, in order. */
  readonly lsns: readonly number[];
  readonly eachFrameSynced?: boolean;
  readonly afterLsn?: number;
  readonly version?: number;
}

/** Where each frame of a file begins, and where the last one ends. */
export interface MadeFile {
  readonly name: string;
  readonly path: string;
  readonly frames: readonly number[];
  readonly end: number;
}

export function saltOfGeneration(generation: number): number {
  return 0x1000 + generation;
}

/** What a frame of this number says. */
export function textOf(lsn: number): string {
  return `commit ${lsn} says something`;
}

export function frameOf(lsn: number, generation: number): Buffer {
  const writer = new FrameWriter();
  writer.begin();
  writer.entry(1, (body) => body.text(textOf(lsn)));
  return Buffer.from(writer.finish(saltOfGeneration(generation), lsn));
}

export class WalDirectory {
  readonly disk: Disk = memoryDisk();
  readonly files: MadeFile[] = [];

  constructor(...specs: readonly FileSpec[]) {
    this.disk.makeDirectory("wal");
    for (const spec of specs) this.add(spec);
  }

  /** Adds a file behind those that are there. What the file held before stays where the frames do not reach. */
  add(spec: FileSpec, over: Buffer = Buffer.alloc(fileBytes)): MadeFile {
    const { generation, lsns, afterLsn, eachFrameSynced = true, version = walVersion } = spec;
    const bytes = Buffer.from(over);
    const salt = saltOfGeneration(generation);
    encodeFileHeader({ version, eachFrameSynced, generation, salt, bytes: fileBytes, afterLsn }).copy(bytes);
    const frames: number[] = [];
    let end = fileHeaderBytes;
    for (const lsn of lsns) {
      frames.push(end);
      end += frameOf(lsn, generation).copy(bytes, end);
    }
    const name = `${String(this.files.length + 1).padStart(10, "0")}.wal`;
    const made: MadeFile = { name, path: `wal/${name}`, frames, end };
    this.files.push(made);
    replace(this.disk, made.path, bytes);
    return made;
  }

  bytesOf(file: MadeFile): Buffer {
    return contentOf(this.disk, file.path);
  }

  change(file: MadeFile, change: (bytes: Buffer) => Buffer | void): void {
    const bytes = this.bytesOf(file);
    replace(this.disk, file.path, change(bytes) ?? bytes);
  }

  /** Makes frame number `index` of the file unreadable. */
  breakFrame(file: MadeFile, index: number): void {
    const at = file.frames[index] as number;
    this.change(file, (bytes) => void bytes.writeUInt8((bytes[at + 40] as number) ^ 1, at + 40));
  }

  /** Makes nothing of frame number `index`, as if it had never reached the disk. */
  eraseFrame(file: MadeFile, index: number): void {
    const at = file.frames[index] as number;
    const end = file.frames[index + 1] ?? file.end;
    this.change(file, (bytes) => void bytes.fill(0, at, end));
  }
}

/** Behind commit `lsn`, at the beginning of the file of `generation` unless said otherwise. */
export function from(lsn: number, generation: number, position: number = fileHeaderBytes): WalPosition {
  return { lsn, generation, salt: saltOfGeneration(generation), position };
}

export interface Scanned extends WalScan {
  /** Numbers of the commits that were visited, in order. */
  readonly visited: readonly number[];
}

/** Checks each visited frame to be what was written. `isWhole` says of a commit whether what it refers to is there. */
export function scan(disk: Disk, position: WalPosition, isWhole: (lsn: number) => boolean = () => true): Scanned {
  const visited: number[] = [];
  const result = scanWal(disk, position, {
    isWhole: (_body, header) => isWhole(header.lsn),
    visit: (body, header) => {
      const [entry] = [...frameEntries(body, header.entries)];
      const text = entry?.kind === "state" ? entry.body.toString() : "";
      if (!text.endsWith(textOf(header.lsn))) throw new Error(`commit ${header.lsn} says ${JSON.stringify(text)}`);
      visited.push(header.lsn);
    },
  });
  return { ...result, visited };
}

/** What a scan says in short: commits it visits, and its findings as "kind: what is lost". */
export function gist({ visited, findings }: Scanned): { visited: readonly number[]; findings: readonly string[] } {
  return { visited, findings: findings.map(({ kind, file, lost }) => `${kind} ${file}: ${lost ?? "nothing lost"}`) };
}

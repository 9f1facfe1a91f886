/**
 * Paged state of the state machine, such as the bitmaps of settled messages: written at checkpoints, page by page,
 * so that what a checkpoint costs follows what changed and not how much there is.
 *
 * A page file is appended to; the last version of a page counts, an empty one says that it is gone. A checkpoint
 * names each file with its revision and length; what lies behind that length never happened. When more than half of
 * a file is outdated, its live pages go into a new revision.
 *
 *   0        4        8        12       16
 *   +--------+--------+--------+--------+-------
 *   | head   | page   | bytes  | body   | body
 *   | crc    |        |        | crc    |
 *   +--------+--------+--------+--------+-------
 */
import { crc32c } from "../../base/crc32c.js";
import { type Disk, type DiskFile, readFully, writeFully } from "../../disk/disk.js";
import type { Finding } from "../finding.js";
import type { PageChange } from "../state.js";

const headBytes = 16;
const at = { headCrc: 0, page: 4, bytes: 8, bodyCrc: 12 } as const;

/** Files smaller than this are not worth a new revision. */
const rewriteBytesMin = 64 * 1024;

/** What a checkpoint remembers of a page file. */
export interface PageFileFacts {
  readonly file: string;
  readonly revision: number;
  readonly bytes: number;
}

interface PageFile {
  readonly file: string;
  revision: number;
  bytes: number;
  /** Where the live version of each page stands. */
  readonly live: Map<number, { position: number; bytes: number }>;
  liveBytes: number;
}

export type PageVisitor = (file: string, page: number, bytes: Uint8Array) => void;

export class PageStore {
  readonly #disk: Disk;
  readonly #files = new Map<string, PageFile>();
  #pending = new Map<string, PageChange>();
  /** Files that no checkpoint names any more once the next one is written. */
  #garbage: string[] = [];

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Reads the files a checkpoint names, and hands out every live page. */
  restore(facts: readonly PageFileFacts[], visit: PageVisitor): readonly Finding[] {
    const findings: Finding[] = [];
    for (const fact of facts) {
      const restored: PageFile = { ...fact, live: new Map(), liveBytes: 0 };
      this.#files.set(fact.file, restored);
      const bytes = this.#readFile(fact, findings);
      scanPages(bytes, (page, position, length) => remember(restored, page, { position, bytes: length }), (position) => {
        findings.push({ kind: "page-damaged", file: pathOf(fact), what: `no whole page at byte ${position}`, lost: "which messages were settled; they are delivered again" });
      });
      for (const [page, place] of restored.live) visit(fact.file, page, bytes.subarray(place.position + headBytes, place.position + headBytes + place.bytes));
    }
    return findings;
  }

  /** Kept in memory until `write`; the last change of a page counts. */
  stage(changes: readonly PageChange[]): void {
    for (const change of changes) this.#pending.set(`${change.file}#${change.page}`, change);
  }

  /** Writes and syncs what was staged. Throws DISK_FULL with everything still staged. */
  async write(): Promise<readonly PageFileFacts[]> {
    const pending = this.#pending;
    this.#pending = new Map();
    const byFile = new Map<string, PageChange[]>();
    for (const change of pending.values()) {
      const changes = byFile.get(change.file);
      if (changes === undefined) byFile.set(change.file, [change]);
      else changes.push(change);
    }
    try {
      for (const [file, changes] of byFile) await this.#writeFile(file, changes);
    } catch (error) {
      // What came meanwhile is newer.
      this.#pending = new Map([...pending, ...this.#pending]);
      throw error;
    }
    return [...this.#files.values()].filter((file) => file.live.size > 0).map(({ file, revision, bytes }) => ({ file, revision, bytes }));
  }

  /** After the checkpoint that names the files returned by `write` is durable. */
  removeGarbage(): void {
    for (const path of this.#garbage.splice(0)) if (this.#disk.exists(path)) this.#disk.remove(path);
  }

  async #writeFile(file: string, changes: readonly PageChange[]): Promise<void> {
    const known = this.#files.get(file) ?? { file, revision: 0, bytes: 0, live: new Map(), liveBytes: 0 };
    this.#files.set(file, known);
    const rewrite = known.bytes > rewriteBytesMin && known.liveBytes * 2 < known.bytes;
    const all = rewrite ? [...this.#livePages(known), ...changes] : changes;
    if (rewrite) this.#beginRevision(known);
    const bytes = Buffer.concat(all.map(encodePage));
    await this.#append(known, bytes);
    let position = known.bytes;
    for (const change of all) {
      const length = change.bytes?.length ?? 0;
      remember(known, change.page, { position, bytes: length });
      position += headBytes + length;
    }
    known.bytes = position;
    if (known.live.size === 0) this.#beginRevision(known);
  }

  /** The file so far is garbage; the next append begins a new one. */
  #beginRevision(known: PageFile): void {
    if (known.bytes > 0) this.#garbage.push(pathOf(known));
    known.revision++;
    known.bytes = 0;
    known.liveBytes = 0;
    known.live.clear();
  }

  async #append(known: PageFile, bytes: Buffer): Promise<void> {
    const path = pathOf(known);
    const directory = path.slice(0, path.lastIndexOf("/"));
    const fresh = known.bytes === 0;
    let file: DiskFile;
    if (fresh) {
      this.#disk.makeDirectory(directory);
      if (this.#disk.exists(path)) this.#disk.remove(path);
      file = this.#disk.open(path, "create");
    } else file = this.#disk.open(path, "write");
    try {
      writeFully(file, bytes, known.bytes);
      await file.sync();
    } finally {
      file.close();
    }
    if (!fresh) return;
    await this.#disk.syncDirectory(directory);
    await this.#disk.syncDirectory(directory.slice(0, directory.lastIndexOf("/")));
    await this.#disk.syncDirectory("");
  }

  #livePages(known: PageFile): PageChange[] {
    const bytes = this.#readFile(known, []);
    return [...known.live].map(([page, place]) => ({
      file: known.file,
      page,
      bytes: Buffer.from(bytes.subarray(place.position + headBytes, place.position + headBytes + place.bytes)),
    }));
  }

  #readFile(fact: PageFileFacts, findings: Finding[]): Buffer {
    const path = pathOf(fact);
    const bytes = Buffer.alloc(fact.bytes);
    const lost = "which messages were settled; they are delivered again";
    if (!this.#disk.exists(path)) {
      findings.push({ kind: "page-damaged", file: path, what: "the file is missing", lost });
      return bytes.subarray(0, 0);
    }
    const file = this.#disk.open(path, "read");
    try {
      const read = readFully(file, bytes, 0);
      if (read < fact.bytes) findings.push({ kind: "page-damaged", file: path, what: `it has ${read} of ${fact.bytes} bytes`, lost });
      return bytes.subarray(0, read);
    } finally {
      file.close();
    }
  }
}

export function pathOf(fact: { readonly file: string; readonly revision: number }): string {
  return `${fact.file}.${fact.revision}.ack`;
}

function remember(file: PageFile, page: number, place: { position: number; bytes: number }): void {
  const before = file.live.get(page);
  if (before !== undefined) file.liveBytes -= before.bytes + headBytes;
  file.live.delete(page);
  if (place.bytes === 0) return;
  file.live.set(page, place);
  file.liveBytes += place.bytes + headBytes;
}

function encodePage(change: PageChange): Buffer {
  const body = change.bytes ?? Buffer.alloc(0);
  const bytes = Buffer.alloc(headBytes + body.length);
  bytes.writeUInt32LE(change.page, at.page);
  bytes.writeUInt32LE(body.length, at.bytes);
  bytes.writeUInt32LE(crc32c(body), at.bodyCrc);
  bytes.set(body, headBytes);
  bytes.writeUInt32LE(crc32c(bytes.subarray(at.page, headBytes)), at.headCrc);
  return bytes;
}

/** Visits every whole page; what is not one is reported once for each stretch and stepped over. */
export function scanPages(bytes: Buffer, visit: (page: number, position: number, bytes: number) => void, damaged: (position: number) => void): void {
  let position = 0;
  let inDamage = false;
  while (position < bytes.length) {
    const length = wholePage(bytes, position);
    if (length === undefined) {
      if (!inDamage) damaged(position);
      inDamage = true;
      position++;
      continue;
    }
    inDamage = false;
    visit(bytes.readUInt32LE(position + at.page), position, length);
    position += headBytes + length;
  }
}

function wholePage(bytes: Buffer, position: number): number | undefined {
  const body = position + headBytes;
  if (body > bytes.length) return undefined;
  if (crc32c(bytes.subarray(position + at.page, body)) !== bytes.readUInt32LE(position)) return undefined;
  const length = bytes.readUInt32LE(position + at.bytes);
  if (body + length > bytes.length) return undefined;
  return crc32c(bytes.subarray(body, body + length)) === bytes.readUInt32LE(position + at.bodyCrc) ? length : undefined;
}

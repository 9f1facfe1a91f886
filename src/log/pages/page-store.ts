/**
 * Paged state of the state machine, the bitmaps of settled messages and the ids that were seen: written at checkpoints, page by page,
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
import { type Disk, readFully, writeFully } from "../../disk/disk.js";
import type { Finding } from "../finding.js";
import type { PageChange } from "../state.js";

const headBytes = 16;
const at = { headCrc: 0, page: 4, bytes: 8, bodyCrc: 12 } as const;

/** Files smaller than this are not worth a new revision. */
const rewriteBytesMin = 64 * 1024;

/** What a folder's pages hold, the ending of its files, and what damage to one of them means. */
const folders: Readonly<Record<string, { readonly ending: string; readonly lost: string }>> = {
  g: { ending: "ack", lost: "which messages were settled; they are delivered again" },
  d: { ending: "ids", lost: "which ids were seen; sent again, they are stored again" },
};

/** What a checkpoint remembers of a page file. */
export interface PageFileFacts {
  readonly file: string;
  readonly revision: number;
  readonly bytes: number;
}

/** A page file as it is on disk. Replaced as a whole once a write of it has succeeded. */
interface PageFile extends PageFileFacts {
  /** Where the live version of each page stands. */
  readonly live: Map<number, { position: number; bytes: number }>;
  liveBytes: number;
  /** Something in it is not what was written. */
  damaged: boolean;
}

/** By file and page. */
export type StagedPages = ReadonlyMap<string, PageChange>;

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

  /** Reads the files a checkpoint names, and hands out every live page. A damaged file is written anew by the next `write`. */
  restore(facts: readonly PageFileFacts[], visit: PageVisitor): readonly Finding[] {
    const findings: Finding[] = [];
    for (const fact of facts) {
      const restored: PageFile = { ...fact, live: new Map(), liveBytes: 0, damaged: false };
      this.#files.set(fact.file, restored);
      const damaged = (what: string): void => {
        restored.damaged = true;
        findings.push({ kind: "page-damaged", file: pathOf(fact), what, lost: folderOf(fact.file).lost });
      };
      const bytes = this.#readFile(fact, damaged);
      scanPages(
        bytes,
        (page, position, length) => remember(restored, page, { position, bytes: length }),
        (position) => damaged(`no whole page at byte ${position}`),
      );
      for (const [page, place] of restored.live) visit(fact.file, page, bodyAt(bytes, place));
    }
    return findings;
  }

  /** Kept in memory until `write`; the last change of a page counts. */
  stage(changes: readonly PageChange[]): void {
    for (const change of changes) this.#pending.set(`${change.file}#${change.page}`, change);
  }

  /** What was staged so far: the part of a checkpoint taken now. What is staged later says how pages are later. */
  take(): StagedPages {
    const staged = this.#pending;
    this.#pending = new Map();
    return staged;
  }

  /** Writes and syncs what was taken. Throws DISK_FULL with all of it staged again, and every page still where it was. */
  async write(taken: StagedPages): Promise<readonly PageFileFacts[]> {
    const byFile = new Map<string, PageChange[]>();
    for (const { file, damaged } of this.#files.values()) if (damaged) byFile.set(file, []);
    for (const change of taken.values()) {
      const changes = byFile.get(change.file);
      if (changes === undefined) byFile.set(change.file, [change]);
      else changes.push(change);
    }
    try {
      for (const [file, changes] of byFile) await this.#writeFile(file, changes);
    } catch (error) {
      // What came meanwhile is newer.
      this.#pending = new Map([...taken, ...this.#pending]);
      throw error;
    }
    return [...this.#files.values()].map(({ file, revision, bytes }) => ({ file, revision, bytes }));
  }

  /** Files that go once a checkpoint without them is durable. */
  get garbage(): readonly string[] {
    return this.#garbage;
  }

  /** After the checkpoint that names the files returned by `write` is durable. */
  removeGarbage(): void {
    for (const path of this.#garbage.splice(0)) if (this.#disk.exists(path)) this.#disk.remove(path);
  }

  async #writeFile(file: string, changes: readonly PageChange[]): Promise<void> {
    const known = this.#files.get(file);
    if (known === undefined || isOutdated(known)) {
      await this.#writeRevision(file, known, changes);
      return;
    }
    const next = { ...known, live: new Map(known.live) };
    await this.#append(next, changes);
    if (next.live.size === 0) this.#forget(next);
    else this.#files.set(file, next);
  }

  /** The live pages and the changes in a file of their own. The one before is garbage once that is durable. */
  async #writeRevision(file: string, before: PageFile | undefined, changes: readonly PageChange[]): Promise<void> {
    const revision = before === undefined ? this.#freeRevision(file) : before.revision + 1;
    const next: PageFile = { file, revision, bytes: 0, live: new Map(), liveBytes: 0, damaged: false };
    const changed = new Set(changes.map((change) => change.page));
    const kept = before === undefined ? [] : this.#livePages(before).filter((page) => !changed.has(page.page));
    const pages = [...kept, ...changes.filter((change) => change.bytes !== undefined)];
    if (pages.length > 0) await this.#append(next, pages);
    if (before !== undefined) this.#forget(before);
    if (pages.length > 0) this.#files.set(file, next);
  }

  #forget(gone: PageFile): void {
    this.#garbage.push(pathOf(gone));
    this.#files.delete(gone.file);
  }

  /** The last checkpoint may still name a file of which nothing was live any more: its name is not free. */
  #freeRevision(file: string): number {
    let revision = 0;
    while (this.#disk.exists(pathOf({ file, revision }))) revision++;
    return revision;
  }

  async #append(target: PageFile & { bytes: number }, changes: readonly PageChange[]): Promise<void> {
    const path = pathOf(target);
    const directory = path.slice(0, path.lastIndexOf("/"));
    const fresh = target.bytes === 0;
    if (fresh) {
      this.#disk.makeDirectory(directory);
      // Left by an attempt that found no room, or by a process that died before its checkpoint.
      if (this.#disk.exists(path)) this.#disk.remove(path);
    }
    const file = this.#disk.open(path, fresh ? "create" : "write");
    try {
      writeFully(file, Buffer.concat(changes.map(encodePage)), target.bytes);
      await file.sync();
    } finally {
      file.close();
    }
    if (fresh) for (const above of withParents(directory)) await this.#disk.syncDirectory(above);
    for (const { page, bytes } of changes) {
      const length = bytes?.length ?? 0;
      remember(target, page, { position: target.bytes, bytes: length });
      target.bytes += headBytes + length;
    }
  }

  #livePages(known: PageFile): PageChange[] {
    const bytes = this.#readFile(known, () => {});
    return [...known.live].map(([page, place]) => ({
      file: known.file,
      page,
      bytes: Buffer.from(bodyAt(bytes, place)),
    }));
  }

  /** As much as there is of what a checkpoint says. */
  #readFile(fact: PageFileFacts, damaged: (what: string) => void): Buffer {
    const path = pathOf(fact);
    if (!this.#disk.exists(path)) {
      damaged("the file is missing");
      return Buffer.alloc(0);
    }
    const file = this.#disk.open(path, "read");
    try {
      const bytes = Buffer.alloc(fact.bytes);
      const read = readFully(file, bytes, 0);
      if (read < fact.bytes) damaged(`it has ${read} of ${fact.bytes} bytes`);
      return bytes.subarray(0, read);
    } finally {
      file.close();
    }
  }
}

/** More than half of it is of no use, or some of it cannot be trusted. */
function isOutdated(file: PageFile): boolean {
  return file.damaged || (file.bytes > rewriteBytesMin && file.liveBytes * 2 < file.bytes);
}

function bodyAt(bytes: Buffer, place: { position: number; bytes: number }): Buffer {
  return bytes.subarray(place.position + headBytes, place.position + headBytes + place.bytes);
}

/** The directory and those it lies in, up to the root. */
function withParents(directory: string): string[] {
  const paths: string[] = [];
  for (let path = directory; path !== ""; path = path.slice(0, Math.max(0, path.lastIndexOf("/")))) paths.push(path);
  return [...paths, ""];
}

export function pathOf(fact: { readonly file: string; readonly revision: number }): string {
  return `${fact.file}.${fact.revision}.${folderOf(fact.file).ending}`;
}

function folderOf(file: string): { readonly ending: string; readonly lost: string } {
  return folders[file.slice(0, file.indexOf("/"))] ?? { ending: "ack", lost: "a part of the state" };
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
export function scanPages(
  bytes: Buffer,
  visit: (page: number, position: number, bytes: number) => void,
  damaged: (position: number) => void,
): void {
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

/** The checksum of a head of zeros: of a page 0 that is gone. */
const zerosCrc = crc32c(Buffer.alloc(headBytes - at.page));

function wholePage(bytes: Buffer, position: number): number | undefined {
  const body = position + headBytes;
  if (body > bytes.length) return undefined;
  const length = bytes.readUInt32LE(position + at.bytes);
  if (body + length > bytes.length) return undefined;
  const bodyCrc = bytes.readUInt32LE(position + at.bodyCrc);
  const isZeros = length === 0 && bodyCrc === 0 && bytes.readUInt32LE(position + at.page) === 0;
  // Settle pages are mostly zeros: stepping over a damaged one must not take a checksum for each of its bytes.
  const headCrc = isZeros ? zerosCrc : crc32c(bytes.subarray(position + at.page, body));
  if (headCrc !== bytes.readUInt32LE(position)) return undefined;
  return crc32c(bytes.subarray(body, body + length)) === bodyCrc ? length : undefined;
}

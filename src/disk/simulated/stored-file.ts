import { Content } from "./content.js";

/** Linux writes back, and gives up, page by page. */
const pageBytes = 4096;

/**
 * Something done to a file that the medium need not have yet. `doomed`: a sync failed on it. The page cache still shows
 * it, but nothing writes it back any more, unless its page is written again.
 */
export interface Change {
  readonly sequence: number;
  readonly kind: "write" | "size";
  readonly position: number;
  /** Empty when only the size changes. */
  readonly bytes: Uint8Array;
  readonly sizeAfter: number;
  readonly doomed: boolean;
}

/** One file of the simulated disk: what reads see, what the medium surely has, and what lies between the two. */
export class StoredFile {
  visible: Content;
  durable: Content;
  changes: Change[] = [];
  /** For the space it takes: up to here something was written. */
  allocatedBytes = 0;
  linked = true;
  handles = 0;
  #sequence = 0;

  constructor(visible = new Content(), durable = new Content()) {
    this.visible = visible;
    this.durable = durable;
  }

  /** All changes up to this mark are what a sync that begins now must make durable. */
  get mark(): number {
    return this.#sequence;
  }

  write(bytes: Uint8Array, position: number): void {
    this.visible.write(bytes, position);
    this.allocatedBytes = Math.max(this.allocatedBytes, position + bytes.length);
    this.#push("write", position, Buffer.from(bytes));
  }

  truncate(size: number): void {
    this.visible.truncate(size);
    this.allocatedBytes = Math.min(this.allocatedBytes, size);
    this.#push("size", size, none);
  }

  /** A sync that began at `mark` succeeded. */
  commit(mark: number): void {
    const due = this.#takeUntil(mark);
    if (due.length === 0) return;
    const rewritten = due.some((change) => change.doomed) ? pagesOf(due.filter((change) => !change.doomed)) : undefined;
    let lost: Change[] = [];
    for (const change of due) {
      if (change.kind === "size") {
        this.durable.truncate(change.sizeAfter);
        lost = lost.map((earlier) => cutAt(earlier, change.sizeAfter));
      } else if (!change.doomed || rewritten === undefined) {
        this.durable.write(change.bytes, change.position);
      } else {
        const saved = piecesOf(change, (start) => rewritten.has(pageAt(start)));
        for (const piece of saved) this.durable.write(piece.bytes, piece.position);
        lost.push(...piecesOf(change, (start) => !rewritten.has(pageAt(start))));
      }
    }
    const size = due[due.length - 1]?.sizeAfter ?? 0;
    this.durable.truncate(size);
    this.changes = [...lost.map((change) => ({ ...change, sizeAfter: size })), ...this.changes];
  }

  /** A sync that began at `mark` failed: what it was to save is never written back. */
  doom(mark: number): void {
    const due = this.#takeUntil(mark).map((change) => ({ ...change, doomed: true }));
    this.changes = [...due, ...this.changes];
  }

  /** As `doom`, and the pages leave the cache: reads see what the medium has. The size stays, as it does in reality. */
  drop(mark: number): void {
    const last = this.#takeUntil(mark).at(-1);
    if (last === undefined) return;
    this.changes.unshift({ ...last, kind: "size", bytes: none, doomed: false });
    this.visible = this.durable.share();
    for (const change of this.changes) {
      if (change.kind === "size") this.visible.truncate(change.sizeAfter);
      else this.visible.write(change.bytes, change.position);
    }
  }

  /** The same file for a disk that goes its own way from here. */
  fork(): StoredFile {
    const other = new StoredFile(this.visible.share(), this.durable.share());
    other.changes = this.changes.slice();
    other.allocatedBytes = this.allocatedBytes;
    other.#sequence = this.#sequence;
    return other;
  }

  #push(kind: Change["kind"], position: number, bytes: Uint8Array): void {
    this.#sequence += 1;
    const sizeAfter = this.visible.size;
    this.changes.push({ sequence: this.#sequence, kind, position, bytes, sizeAfter, doomed: false });
  }

  #takeUntil(mark: number): Change[] {
    const all = this.changes;
    let count = all.length;
    while (count > 0 && (all[count - 1] as Change).sequence > mark) count -= 1;
    this.changes = all.slice(count);
    return count === all.length ? all : all.slice(0, count);
  }
}

const none = new Uint8Array(0);

const pageAt = (position: number): number => Math.floor(position / pageBytes);

function pagesOf(changes: readonly Change[]): Set<number> {
  const pages = new Set<number>();
  for (const { position, bytes } of changes) {
    if (bytes.length === 0) continue;
    for (let page = pageAt(position); page * pageBytes < position + bytes.length; page += 1) pages.add(page);
  }
  return pages;
}

function cutAt(change: Change, size: number): Change {
  return { ...change, bytes: change.bytes.subarray(0, Math.max(0, size - change.position)) };
}

/** The parts of a write, page by page, whose first byte `wanted` wants. */
function piecesOf(change: Change, wanted: (start: number) => boolean): Change[] {
  const pieces: Change[] = [];
  const end = change.position + change.bytes.length;
  for (let start = change.position; start < end;) {
    const stop = Math.min(end, (pageAt(start) + 1) * pageBytes);
    const bytes = change.bytes.subarray(start - change.position, stop - change.position);
    if (wanted(start)) pieces.push({ ...change, position: start, bytes });
    start = stop;
  }
  return pieces;
}

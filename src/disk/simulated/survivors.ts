import type { Random } from "../../base/random.js";
import type { Content } from "./content.js";
import type { CrashStyle } from "./crash-style.js";
import type { Change, StoredFile } from "./stored-file.js";

/**
 * What a crash leaves of a file's bytes.
 *
 * The page cache writes back pages, each as it is at that moment, when it likes. So every sector of the medium holds
 * some version of itself between the last sync and the crash, whatever its neighbours hold; versions are numbered by
 * the changes that lead to them, 0 is the synced one. The size has versions of its own: it lives in the file
 * system's journal. Where writes are torn, sectors give way to spans that are cut elsewhere.
 */
export function survivingContent(file: StoredFile, style: CrashStyle, random: Random): Content {
  const { changes } = file;
  if (changes.length === 0) return file.durable.share();
  if (style.bytes === "none" && style.sizes === "old") return file.durable.share();
  if (style.bytes === "all" && style.sizes === "new") return file.visible.share();
  const spans = chooseSpans(changes, style, random);
  const sizeVersion = chooseSizeVersion(changes, { style, spans, random });
  return replay(file, { spans, sizeVersion, garbage: style.tail === "garbage" ? random : undefined });
}

/** The version of each span of a file. */
interface Spans {
  endOf(position: number): number;
  versionAt(position: number): number;
}

interface Choice {
  readonly spans: Spans;
  readonly sizeVersion: number;
  /** Fills what was written past the synced end and did not arrive. */
  readonly garbage: Random | undefined;
}

function replay(file: StoredFile, choice: Choice): Content {
  const content = file.durable.share();
  // A cut that did not survive: what was written behind it since went to blocks that no file has now.
  let reachableBytes = Number.POSITIVE_INFINITY;
  file.changes.forEach((change, index) => {
    const version = index + 1;
    if (change.kind === "write") {
      const end = Math.min(change.position + change.bytes.length, reachableBytes);
      landWrite(content, { change, version, end }, choice);
    } else if (version > choice.sizeVersion) {
      reachableBytes = Math.min(reachableBytes, change.sizeAfter);
    } else if (change.sizeAfter < content.size) {
      content.truncate(change.sizeAfter);
    }
  });
  content.truncate(sizeAt(file, choice.sizeVersion));
  return content;
}

function landWrite(content: Content, write: { change: Change; version: number; end: number }, choice: Choice): void {
  const { change, version, end } = write;
  for (let start = change.position; start < end;) {
    const stop = Math.min(end, choice.spans.endOf(start));
    if (version <= choice.spans.versionAt(start)) {
      content.write(change.bytes.subarray(start - change.position, stop - change.position), start);
    } else if (choice.garbage !== undefined && stop > content.size) {
      const from = Math.max(start, content.size);
      content.write(garbage(stop - from, choice.garbage), from);
    }
    start = stop;
  }
}

function sizeAt(file: StoredFile, version: number): number {
  return version === 0 ? file.durable.size : (file.changes[version - 1] as Change).sizeAfter;
}

function chooseSizeVersion(
  changes: readonly Change[],
  { style, spans, random }: { style: CrashStyle; spans: Spans; random: Random },
): number {
  if (style.sizes === "old") return 0;
  if (style.sizes === "new") return changes.length;
  if (random() < 0.5) return upTo(changes.length, random);
  // As journals do it that put bytes before sizes: the size as of the youngest change that has arrived.
  for (let version = changes.length; version > 0; version -= 1) {
    const change = changes[version - 1] as Change;
    if (change.kind === "size" || version <= spans.versionAt(change.position)) return version;
  }
  return 0;
}

function chooseSpans(changes: readonly Change[], style: CrashStyle, random: Random): Spans {
  if (style.bytes === "none") return new EqualVersions(0);
  if (style.bytes === "all") return new EqualVersions(changes.length);
  if (style.bytes === "whole-writes") return new WholeWrites(changes, random);
  return new TornWrites(changes, style.bytes === 1 ? new Cuts(changes, random) : new Grid(style.bytes), random);
}

class EqualVersions implements Spans {
  readonly #version: number;

  constructor(version: number) {
    this.#version = version;
  }

  endOf(): number {
    return Number.POSITIVE_INFINITY;
  }

  versionAt(): number {
    return this.#version;
  }
}

/** A write arrives as a whole, with all that stood in its sectors by then. */
class WholeWrites implements Spans {
  readonly #grid = new Grid(512);
  readonly #versions = new Map<number, number>();

  constructor(changes: readonly Change[], random: Random) {
    const chance = random();
    changes.forEach((change, index) => {
      if (random() >= chance) return;
      const end = change.position + change.bytes.length;
      for (let at = change.position; at < end; at = this.#grid.endOf(at)) {
        this.#versions.set(this.#grid.indexOf(at), index + 1);
      }
    });
  }

  endOf(position: number): number {
    return this.#grid.endOf(position);
  }

  versionAt(position: number): number {
    return this.#versions.get(this.#grid.indexOf(position)) ?? 0;
  }
}

/** Each part arrives by itself. */
class TornWrites implements Spans {
  readonly #parts: Grid | Cuts;
  readonly #versions = new Map<number, number>();
  readonly #newest: number;
  readonly #random: Random;

  constructor(changes: readonly Change[], parts: Grid | Cuts, random: Random) {
    this.#newest = changes.length;
    this.#parts = parts;
    this.#random = random;
  }

  endOf(position: number): number {
    return this.#parts.endOf(position);
  }

  versionAt(position: number): number {
    const index = this.#parts.indexOf(position);
    let version = this.#versions.get(index);
    if (version === undefined) this.#versions.set(index, (version = this.#choose()));
    return version;
  }

  /** All or nothing half of the time: with many changes, the versions between would crowd them out. */
  #choose(): number {
    const chance = this.#random();
    if (chance < 0.25) return 0;
    if (chance < 0.5) return this.#newest;
    return upTo(this.#newest, this.#random);
  }
}

class Grid {
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  indexOf(position: number): number {
    return Math.floor(position / this.#bytes);
  }

  endOf(position: number): number {
    return (this.indexOf(position) + 1) * this.#bytes;
  }
}

/** Cuts at one to three places inside of unsynced writes. */
class Cuts {
  readonly #cuts: number[] = [];

  constructor(changes: readonly Change[], random: Random) {
    const count = 1 + upTo(2, random);
    for (let cut = 0; cut < count; cut += 1) {
      const change = changes[upTo(changes.length - 1, random)] as Change;
      this.#cuts.push(change.position + upTo(change.bytes.length, random));
    }
    this.#cuts.sort((one, other) => one - other);
  }

  indexOf(position: number): number {
    let index = 0;
    while (index < this.#cuts.length && (this.#cuts[index] as number) <= position) index += 1;
    return index;
  }

  endOf(position: number): number {
    return this.#cuts[this.indexOf(position)] ?? Number.POSITIVE_INFINITY;
  }
}

/** A whole number from 0 to `most`, both included. */
function upTo(most: number, random: Random): number {
  return Math.floor(random() * (most + 1));
}

function garbage(length: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) bytes[index] = upTo(255, random);
  return bytes;
}

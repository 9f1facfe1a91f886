/**
 * A piece of the museum: one bug, as a page that people read and the runner plants.
 *
 *   # what is wrong, in one line
 *   where it was met, and what it costs
 *   - in: src/…              the file it is planted in
 *   - caught by: test/…      the file of the test that must fail
 *   - test: …                its name, or a part of it
 *   - says: …                words of the failure: it must fail for this reason and no other
 *   ```diff                  one or more; context and "-" lines must be in the file exactly once, as whole lines
 *
 * There are no line numbers: a piece moves with its code, and stops the museum when that code is no longer there.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Piece {
  /** Its page's, without the ending. */
  readonly name: string;
  readonly title: string;
  /** The source file it is planted in. */
  readonly file: string;
  readonly changes: readonly Change[];
  readonly caughtBy: { readonly file: string; readonly test: string };
  /** Words of the failure. */
  readonly says: string;
}

/** Whole lines. */
interface Change {
  readonly before: string;
  readonly after: string;
}

/** All pieces of a folder, by name. */
export function readPieces(folder: string): Piece[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => parsePiece(name.slice(0, -".md".length), readFileSync(join(folder, name), "utf8")));
}

/** @throws when the page lacks something */
export function parsePiece(name: string, page: string): Piece {
  const found = (what: string, pattern: RegExp): string => {
    const text = pattern.exec(page)?.[1];
    if (text === undefined) throw new Error(`piece ${name} lacks ${what}`);
    return text;
  };
  const field = (key: string): string => found(`"- ${key}: …"`, new RegExp(`^- ${key}: (.+)$`, "m"));
  const changes = [...page.matchAll(/^```diff\n([\s\S]*?)^```$/gm)].map((block) => changeOf(block[1] ?? ""));
  if (changes.length === 0) throw new Error(`piece ${name} lacks a block of diff`);
  return {
    name,
    title: found("a title", /^# (.+)$/m),
    file: field("in"),
    changes,
    caughtBy: { file: field("caught by"), test: field("test") },
    says: field("says"),
  };
}

function changeOf(diff: string): Change {
  const lines = diff.split("\n").slice(0, -1);
  const without = (sign: string): string =>
    lines
      .filter((line) => !line.startsWith(sign))
      .map((line) => `${line.slice(1)}\n`)
      .join("");
  return { before: without("+"), after: without("-") };
}

/** The source with the bug in it. @throws when the code it changes is not there, or in several places */
export function plant(source: string, piece: Piece): string {
  return piece.changes.reduce((text, { before, after }) => {
    const parts = `\n${text}`.split(`\n${before}`);
    if (parts.length !== 2) {
      const found = parts.length < 2 ? "not there (any more)" : `there ${parts.length - 1} times`;
      throw new Error(`the code it changes in ${piece.file} is ${found}:\n${before}`);
    }
    return parts.join(`\n${after}`).slice(1);
  }, source);
}

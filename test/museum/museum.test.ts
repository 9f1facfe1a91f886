/** The museum of planted bugs: each is seen by the test that its page names. And controls: the museum sees what is none. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parsePiece, type Piece, plant, readPieces } from "./piece.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = fileURLToPath(new URL("pieces", import.meta.url));

/** What the museum says, a line for each piece and one for all of them, and the code it ends with. */
async function visit(...options: string[]): Promise<{ lines: string[]; code: number }> {
  // A vitest of its own: what this one tells its workers is not for that one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
  const run = promisify(execFile)(process.execPath, [join(root, "build/test/museum/main.js"), ...options], {
    cwd: root,
    env,
    maxBuffer: 10_000_000,
  });
  const { stdout, code = 0 } = (await run.catch((error: unknown) => error)) as { stdout: string; code?: number };
  return { lines: stdout.trimEnd().split("\n"), code };
}

test.for(readPieces(folder).map((piece) => [piece.name, piece] as const))("%s can be planted", ([, piece]) => {
  const source = readFileSync(join(root, piece.file), "utf8");
  expect(plant(source, piece)).not.toBe(source);
  expect(existsSync(join(root, piece.caughtBy.file))).toBe(true);
});

test("every piece is caught by the test it names", { timeout: 600_000 }, async () => {
  const pieces = readPieces(folder);
  expect(pieces.length).toBeGreaterThanOrEqual(20);
  const { lines, code } = await visit();
  expect(lines.filter((line) => !/^[-\w]+: caught by /.test(line))).toEqual([
    `${pieces.length} of ${pieces.length} pieces are caught`,
  ]);
  expect(code).toBe(0);
});

test(
  "what is no bug, no code, or not what was meant is told apart from one that is caught",
  { timeout: 120_000 },
  async () => {
    const { lines, code } = await visit("--pieces", "test/museum/controls");
    expect(lines).toEqual([
      "always-red: WRONG, its test fails without it: expected 1 to be 2 // Object.is equality",
      "caught: caught by test/museum/controls/sum.control.ts (a sum adds up)",
      expect.stringMatching(/^no-code: WRONG, with it nothing runs: .*sum.ts/),
      "no-file: WRONG, there is no file test/museum/controls/product.ts (any more)",
      "no-test: WRONG, there is no such test: ",
      expect.stringMatching(/^not-loaded: WRONG, its test never loads test\/museum\/controls\/sum.ts/),
      expect.stringMatching(/^not-there: WRONG, with it nothing runs: .*is not there \(any more\)/),
      "nothing-planted: SURVIVED, its test passes with the bug in place",
      "other-reason: WRONG, it is caught for another reason: expected 3 to be 6 // Object.is equality",
      "throws: WRONG, it breaks the code instead of changing what it does: totally is not defined",
      "unseen: SURVIVED, its test passes with the bug in place",
      "1 of 11 pieces are caught",
    ]);
    expect(code).toBe(1);
  },
);

describe("a piece", () => {
  const page = (diff: string): string =>
    `# A bug\n\nWhere it was met.\n\n- in: src/a.ts\n- caught by: test/a.test.ts\n- test: works\n- says: expected\n\n\`\`\`diff\n${diff}\n\`\`\`\n`;
  const pieceOf = (diff: string): Piece => parsePiece("a-bug", page(diff));

  test("is read from its page", () => {
    expect(pieceOf("-one\n+two")).toEqual({
      name: "a-bug",
      title: "A bug",
      file: "src/a.ts",
      changes: [{ before: "one\n", after: "two\n" }],
      caughtBy: { file: "test/a.test.ts", test: "works" },
      says: "expected",
    });
  });

  test.for(["# A bug", "- in: src/a.ts", "- test: works", "- says: expected", "-one\n+two\n"])(
    "without %j is refused",
    (part) => {
      const without = page("-one\n+two").replace(part, "").replace("```diff\n```", "");
      expect(() => parsePiece("a-bug", without)).toThrow("piece a-bug lacks");
    },
  );

  test("replaces whole lines, between lines that stay", () => {
    expect(plant("zero\none\ntwo\n", pieceOf(" zero\n-one\n+1\n two"))).toBe("zero\n1\ntwo\n");
    expect(plant("one\ntwo\n", pieceOf("-one"))).toBe("two\n");
  });

  test("whose code is not there, only a part of a line, or there twice is refused", () => {
    expect(() => plant("one and two\n", pieceOf("-one\n+1"))).toThrow("src/a.ts is not there");
    expect(() => plant("  one\n", pieceOf("-one\n+1"))).toThrow("src/a.ts is not there");
    expect(() => plant("one\ntwo\none\n", pieceOf("-one\n+1"))).toThrow("src/a.ts is there 2 times");
  });
});

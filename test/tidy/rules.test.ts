/** A rule that cannot fail is no rule: each is shown something bad, and something good beside it. */
import { expect, test } from "vitest";
import { brokenLinks, orphans } from "./links.js";
import { bannedText, bannedUses, deadFiles, emptyNames, foreignWords, tooLong, wrongDirections } from "./rules.js";
import type { Exception, Layer } from "./rules.js";

const layers: Layer[] = [
  { at: "src/base/", imports: [] },
  { at: "src/log/", imports: ["src/base/"] },
  { at: "src/driver.ts", imports: ["src/base/"] },
  { at: "src/client/", imports: ["src/driver.ts"] },
  { at: "src/drivers/", imports: ["src/driver.ts"], apart: true },
  { at: "src/drivers/embedded/", imports: ["src/driver.ts", "src/log/"] },
];
const lazily: Exception = {
  at: "src/client/open.ts",
  what: "src/drivers/",
  because: "it is loaded when it is asked for",
};

test("an import against the direction of the layers is found, in each of its forms", () => {
  const bad = [
    { path: "src/base/a.ts", text: 'import { b } from "../log/b.js";' },
    { path: "src/log/a.ts", text: 'export { b } from "../client/b.js";' },
    { path: "src/client/a.ts", text: 'const log = await import("../log/b.js");' },
    { path: "src/drivers/redis/a.ts", text: 'import type { B } from "../kafka/b.js";' },
    { path: "src/drivers/kafka/a.ts", text: 'import { b } from "../embedded/b.js";' },
    { path: "src/elsewhere/a.ts", text: "" },
  ];
  expect(wrongDirections(bad, layers, [])).toEqual([
    "src/base/a.ts must not import src/log/b.ts",
    "src/log/a.ts must not import src/client/b.ts",
    "src/client/a.ts must not import src/log/b.ts",
    "src/drivers/redis/a.ts must not import src/drivers/kafka/b.ts",
    "src/drivers/kafka/a.ts must not import src/drivers/embedded/b.ts",
    "src/elsewhere/a.ts belongs to no layer",
  ]);
});

test("an import along the direction of the layers is not complained of", () => {
  const good = [
    { path: "src/log/a.ts", text: 'import { b } from "../base/b.js"; import { c } from "./c.js"; import "node:path";' },
    { path: "src/drivers/redis/a.ts", text: 'import { b } from "./b.js"; import { d } from "../../driver.js";' },
    { path: "src/drivers/embedded/a.ts", text: 'import { b } from "../../log/b.js";' },
  ];
  expect(wrongDirections(good, layers, [])).toEqual([]);
});

test("an exception covers the lazy import it names and no other, and must be needed", () => {
  const lazy = { path: "src/client/open.ts", text: 'await import("../drivers/embedded/index.js");' };
  const eager = { path: "src/client/open.ts", text: 'import "../drivers/embedded/index.js";' };
  expect(wrongDirections([lazy], layers, [lazily])).toEqual([]);
  expect(wrongDirections([lazy, eager], layers, [lazily])).toEqual([
    "src/client/open.ts must not import src/drivers/embedded/index.ts",
  ]);
  expect(wrongDirections([], layers, [lazily])).toEqual([
    "the exception for src/drivers/ in src/client/open.ts is not needed any more",
  ]);
});

test("a banned name is found in code and in imports, and not in text, comments or longer names", () => {
  const banned = { "Date.now": /\bDate\.now\b/, timers: /\bsetTimeout\b/, "node:fs": /^node:fs\b/ };
  const bad = [
    { path: "src/a.ts", text: "const now = Date.now();" },
    { path: "src/b.ts", text: 'import { open } from "node:fs/promises";' },
    { path: "src/c.ts", text: '// Date.now is read once\nconst words = "setTimeout"; presetTimeout(words);' },
    { path: "src/d.ts", text: "setTimeout(run, 5);" },
  ];
  const exception = { at: "src/d.ts", what: "timers", because: "it is the clock" };
  const stale = { at: "src/c.ts", what: "timers", because: "it was the clock" };
  expect(bannedUses(bad, banned, [exception, stale])).toEqual([
    "src/a.ts uses Date.now",
    "src/b.ts uses node:fs",
    "the exception for timers in src/c.ts is not needed any more",
  ]);
});

test("a file of one line too many is found", () => {
  const ofLines = (lines: number): string => "line\n".repeat(lines);
  expect(
    tooLong(
      [
        { path: "full.ts", text: ofLines(400) },
        { path: "over.ts", text: ofLines(401) },
      ],
      400,
    ),
  ).toEqual(["over.ts has 401 lines, more than 400"]);
});

test("a name that names no responsibility is found, as a file and as a folder", () => {
  const paths = ["src/utils/a.ts", "src/log/helpers.ts", "test/types.test.ts", "src/log/shared-log.ts"];
  expect(emptyNames(paths, ["utils", "helpers", "types", "shared"])).toEqual(
    paths.slice(0, 3).map((path) => `${path} is named after no responsibility`),
  );
});

test("a foreign word is found inside a longer name, and not in text", () => {
  const text = 'const jobQueue = "job"; function nack() {} let backlog; // ack';
  expect(foreignWords([{ path: "a.ts", text }], { job: "message", nack: "settle", ack: "settle" })).toEqual([
    "a.ts says jobQueue: our word is message",
    "a.ts says nack: our word is settle",
  ]);
});

test("a file that nothing reaches is found, and so is an entry point that is missing", () => {
  const sources = [
    { path: "src/index.ts", text: 'export { a } from "./a.js";' },
    { path: "src/a.ts", text: 'void import("./b.js");' },
    { path: "src/b.ts", text: "" },
    { path: "src/dead.ts", text: 'import "./a.js";' },
  ];
  expect(deadFiles(sources, ["src/index.ts", "src/gone.ts"])).toEqual([
    "src/gone.ts is an entry point that does not exist",
    "src/dead.ts is reached from no entry point",
  ]);
});

test("banned text is found in comments too, with its line", () => {
  const text = "const a = 1;\n// FIX" + "ME later\n";
  expect(bannedText([{ path: "a.ts", text }], { "leaves work undone": /FIX(?:ME)\b/ })).toEqual([
    "a.ts:2 leaves work undone",
  ]);
});

test("a link to a missing file or heading is found; code and other sites are left alone", () => {
  const pages = [
    {
      path: "docs/a.md",
      text: [
        "# Why so?",
        "[x](b.md) [x](../README.md#gone) [x](#why-so) [x](#why) [x](https://example.org/no)",
        "`[x](no.md)`",
        "```md\n[x](no.md)\n# why\n```",
        "[ref]: missing.md",
      ].join("\n"),
    },
    { path: "README.md", text: "## Here" },
  ];
  expect(brokenLinks(pages, (path) => pages.some((page) => page.path === path))).toEqual([
    "docs/a.md links to b.md, which does not exist",
    "docs/a.md links to ../README.md#gone, which has no such heading",
    "docs/a.md links to #why, which has no such heading",
    "docs/a.md links to missing.md, which does not exist",
  ]);
});

test("a page that no other page links to is found", () => {
  const pages = [
    { path: "README.md", text: "[a](docs/a.md#part)" },
    { path: "docs/a.md", text: "[here](#part) [home](../README.md)" },
    { path: "docs/b.md", text: "[myself](b.md) `[a](../docs/c.md)`" },
    { path: "docs/c.md", text: "nothing" },
  ];
  expect(orphans(pages, "README.md")).toEqual(["docs/b.md", "docs/c.md"]);
});

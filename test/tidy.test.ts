/** Architecture and habits as a test. The rules are in `tidy/`; what they are held against is here. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { errorCodes } from "../src/base/errors.js";
import { brokenLinks, orphans } from "./tidy/links.js";
import { bannedText, bannedUses, deadFiles, emptyNames, foreignWords, tooLong, wrongDirections } from "./tidy/rules.js";
import type { Exception, Layer, Source } from "./tidy/rules.js";
import { blank } from "./tidy/scan.js";

/** A layer may import from itself and from what it lists; the most specific entry holds. */
const layers: readonly Layer[] = [
  { at: "src/base/", imports: [] },
  { at: "src/disk/", imports: ["src/base/"] },
  { at: "src/log/", imports: ["src/base/", "src/disk/"] },
  { at: "src/engine/", imports: ["src/base/", "src/disk/", "src/log/"] },
  // The contract is one, in two files: drivers and clients know it by the first.
  { at: "src/driver.ts", imports: ["src/base/", "src/driver-explain.ts", "src/driver-read.ts"] },
  { at: "src/driver-explain.ts", imports: ["src/driver.ts"] },
  { at: "src/driver-read.ts", imports: ["src/driver.ts"] },
  { at: "src/client/", imports: ["src/base/", "src/driver.ts"] },
  { at: "src/open.ts", imports: ["src/base/", "src/driver.ts", "src/client/"] },
  { at: "src/index.ts", imports: ["src/base/", "src/driver.ts", "src/client/", "src/open.ts"] },
  { at: "src/drivers/", imports: ["src/base/", "src/driver.ts"], apart: true },
  // The only place where the two sides meet.
  {
    at: "src/drivers/embedded/",
    imports: ["src/base/", "src/driver.ts", "src/disk/", "src/log/", "src/engine/"],
  },
  // Works through the public surface like any user; the files of a directory are checked and printed without opening it.
  { at: "src/cli/", imports: ["src/index.ts", "src/base/", "src/disk/", "src/log/"] },
  { at: "src/testing/", imports: ["src/index.ts", "src/base/", "src/disk/", "src/driver.ts"] },
];

/** Imports that a layer makes lazily against its direction. */
const lazyImports: readonly Exception[] = [
  { at: "src/open.ts", what: "src/drivers/", because: "a driver is loaded when an address asks for it" },
];

/** What the package offers: everything else must be reached from here. */
// The check of a whole directory serves tests of damage; the command line has its own over the same parts.
const entries = ["src/index.ts", "src/testing/index.ts", "src/cli/main.ts", "src/log/verify/directory-check.ts"];

const linesMax = { source: 400, test: 600 };

/** Time, chance and files come in as arguments, so that everything can be simulated. */
const banned: Readonly<Record<string, RegExp>> = {
  "Date.now": /\bDate\.now\b/,
  "new Date()": /\bnew Date\(\s*\)/,
  "performance.now": /\bperformance\.now\b/,
  "process.hrtime": /\bhrtime\b/,
  timers: /\b(?:setTimeout|setInterval|setImmediate|AbortSignal\.timeout)\b|^node:timers/,
  chance: /\b(?:Math\.random|randomUUID|randomBytes|getRandomValues|randomInt)\b/,
  "node:fs": /^(?:node:)?fs(?:\/promises)?$/,
  "export *": /\bexport\s*\*/,
  "import of a computed path": /\bimport\s*\((?!\s*["'])/,
};

const exceptions: readonly Exception[] = [
  { at: "src/base/clock.ts", what: "Date.now", because: "it is the clock" },
  { at: "src/base/clock.ts", what: "performance.now", because: "it is the clock" },
  { at: "src/base/clock.ts", what: "timers", because: "it is the clock" },
  { at: "src/base/random.ts", what: "chance", because: "it is the source of chance" },
  { at: "src/disk/", what: "node:fs", because: "it is the disk" },
  { at: "src/cli/declared-channels.ts", what: "import of a computed path", because: "the user names the module" },
];

const emptyWords = ["utils", "util", "helpers", "helper", "common", "types", "shared", "misc", "lib"];

/** What others call it, and what we do. */
const ourWords: Readonly<Record<string, string>> = {
  job: "message",
  jobs: "messages",
  ack: "settle",
  acks: "settle",
  acked: "settled",
  nack: "settle",
  visibility: "lease",
  ttl: "expires or lease",
  dlq: "dead letters",
  msg: "message",
  msgs: "messages",
  cfg: "options",
  ctx: "what it is the context of",
  idx: "index",
  tmp: "what it holds",
  buf: "bytes",
  cb: "what it does",
};

/** Codes that nothing throws yet, and why they are in the table all the same. */
const codesToCome: Readonly<Record<string, string>> = {
  PEER_MISSING: "the drivers of other brokers load their client when it is installed",
};

/** Folders of test/ that mirror no folder of src/, bench/ or examples/. */
const ownTestFolders = ["bad-input", "crash", "damage", "full-disk", "fuzz", "kill", "museum", "syncs", "tidy"];

const unwanted: Readonly<Record<string, RegExp>> = {
  "leaves work undone": /\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b/,
  "turns a rule off without a reason": /(?:oxlint|eslint)-disable(?:-next-line|-line)?\b(?!.* -- \S)/,
};

const root = fileURLToPath(new URL("..", import.meta.url));
const skipped = new Set(["node_modules", "dist", "build", "coverage"]);

function filesUnder(folder: string, ending: string): Source[] {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name).split(sep).join("/");
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesUnder(path, ending);
    return entry.name.endsWith(ending) ? [{ path, text: readFileSync(join(root, path), "utf8") }] : [];
  });
}

const source = filesUnder("src", ".ts");
const tests = filesUnder("test", ".ts");
const programs = [...filesUnder("bench", ".ts"), ...filesUnder("examples", ".ts")];
const pages = [
  ...filesUnder("docs", ".md"),
  ...filesUnder("examples", ".md"),
  ...["README.md", "CHANGELOG.md"]
    .filter((path) => existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") })),
];

test("layers import in one direction", () => {
  expect(wrongDirections(source, layers, lazyImports)).toEqual([]);
});

test("nothing in src/ imports the package by its own name", () => {
  expect(source.filter((each) => /from "millrace[/"]/.test(each.text)).map((each) => each.path)).toEqual([]);
});

test("time, chance and files are used only where they are wrapped; exports and imports are written out", () => {
  expect(bannedUses(source, banned, exceptions)).toEqual([]);
});

test("every source file is reached from an entry point", () => {
  expect(deadFiles(source, entries)).toEqual([]);
});

test("files stay small", () => {
  expect([...tooLong([...source, ...programs], linesMax.source), ...tooLong(tests, linesMax.test)]).toEqual([]);
});

test("the linter holds functions to their limits", () => {
  const config = readFileSync(join(root, ".oxlintrc.json"), "utf8").replace(/^\s*\/\/.*$/gm, "");
  const { rules } = JSON.parse(config) as { rules: Record<string, unknown> };
  expect(rules).toMatchObject({
    "max-lines-per-function": ["error", { max: 60 }],
    "max-params": ["error", { max: 3 }],
    "max-depth": ["error", { max: 3 }],
    complexity: ["error", { max: 12 }],
  });
});

test("files and folders are named after what they do", () => {
  expect(
    emptyNames(
      [...source, ...tests, ...programs].map((each) => each.path),
      emptyWords,
    ),
  ).toEqual([]);
});

test("names use our own words, whole", () => {
  expect(foreignWords(source, ourWords)).toEqual([]);
});

test("no text leaves work undone or turns a rule off without a reason", () => {
  expect(bannedText([...source, ...tests, ...programs, ...pages], unwanted)).toEqual([]);
});

test("test/ mirrors what it tests", () => {
  const folders = new Set(
    tests
      .map((each) => each.path.split("/"))
      .filter((parts) => parts.length > 2)
      .map((parts) => parts[1] ?? ""),
  );
  const strays = [...folders]
    .filter((name) => ![`src/${name}`, name].some((folder) => existsSync(join(root, folder))))
    .filter((name) => !ownTestFolders.includes(name));
  expect(strays).toEqual([]);
});

test("links between pages lead somewhere", () => {
  expect(pages.length).toBeGreaterThan(0);
  expect(brokenLinks(pages, (path) => existsSync(join(root, path)))).toEqual([]);
});

test("every page is linked from another one", () => {
  expect(orphans(pages, "README.md")).toEqual([]);
});

test("every error code is thrown somewhere", () => {
  const uses = source.filter((each) => each.path !== "src/base/errors.ts").map((each) => each.text);
  const unusedCodes = Object.keys(errorCodes).filter((code) => !uses.some((text) => text.includes(`"${code}"`)));
  expect(unusedCodes).toEqual(Object.keys(codesToCome));
});

test("every error code is explained on its page, and the page knows no other", () => {
  const page = readFileSync(join(root, "docs/reference/errors.md"), "utf8");
  const explained = [...page.matchAll(/^(?:#+|\||[-*])\s*`([A-Z][A-Z_]+)`/gm)].map((match) => match[1] ?? "");
  expect([...new Set(explained)].toSorted()).toEqual(Object.keys(errorCodes).toSorted());
});

test("the root index is a list of names", () => {
  const index = source.find((each) => each.path === "src/index.ts");
  const statements = blank(index?.text ?? "")
    .split(";")
    .map((statement) => statement.trim())
    .filter(Boolean);
  expect(statements.filter((statement) => !/^export (?:type )?\{[^}]*\} from "/.test(statement))).toEqual([]);
});

/**
 * The tutorial, the how-to pages and the README are transcripts: their programs compile, and those that are run print what the page says.
 *   ts    a program; its first line names its file: "// name.ts". Without a name it is only compiled
 *   sh    commands to run: "node name.ts" and "npx millrace …"; with "# until Ctrl-C", ended so once all is printed
 *   text  what the commands before it print; "…" stands for anything within a line
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Newer versions of Node run a page's programs as they stand, older ones what the compiler made of them. */
const runsTypeScript = Boolean((process.features as { readonly typescript?: unknown }).typescript);

const compiled = join(root, "build", "documents");
const documents = [
  "README.md",
  "docs/tutorial.md",
  ...readdirSync(join(root, "docs/how-to")).map((name) => `docs/how-to/${name}`),
];

interface Fence {
  readonly language: string;
  readonly text: string;
}

function fencesOf(document: string): Fence[] {
  const source = readFileSync(join(root, document), "utf8");
  return [...source.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({ language, text }));
}

const folderOf = (document: string): string => join(compiled, basename(document, ".md"));

function writePrograms(document: string): void {
  mkdirSync(folderOf(document), { recursive: true });
  const programs = fencesOf(document).filter(({ language }) => language === "ts");
  for (const [index, { text }] of programs.entries()) {
    const name = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1];
    writeFileSync(join(folderOf(document), name ?? `fragment-${index}.ts`), text);
  }
}

let compilerSays = "";

beforeAll(() => {
  rmSync(compiled, { recursive: true, force: true });
  for (const document of documents) writePrograms(document);
  const compilerOptions = { rootDir: ".", outDir: ".", declaration: false, rewriteRelativeImportExtensions: true };
  writeFileSync(
    join(compiled, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.base.json", compilerOptions, include: ["**/*.ts"], exclude: [] }),
  );
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  compilerSays = spawnSync(process.execPath, [tsc, "-p", compiled], { encoding: "utf8" }).stdout;
}, 60_000);

test("every program on a page compiles under strict settings", () => {
  expect(compilerSays).toBe("");
});

test.for(documents)("%s prints what it says", { timeout: 60_000 }, async (document) => {
  const cwd = mkdtempSync(join(tmpdir(), "millrace-document-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  for (const step of stepsOf(document)) {
    const { printed, complained, exitCode } = await run(step, cwd);
    expect(printed, `${step.line}\n${complained}`).toMatch(step.wanted);
    if (step.isTool) expect({ exitCode, complained }).toMatchObject({ exitCode: 0 });
  }
});

interface Step {
  readonly line: string;
  readonly args: readonly string[];
  readonly wanted: RegExp;
  readonly isTool: boolean;
  readonly untilInterrupted: boolean;
}

function stepsOf(document: string): Step[] {
  return fencesOf(document).flatMap(({ language, text }, index, fences) => {
    if (language !== "sh") return [];
    const next = fences[index + 1];
    const wanted = next?.language === "text" ? pattern(next.text) : /(?:)/;
    return text
      .trimEnd()
      .split("\n")
      .flatMap((line) => {
        const [command = "", comment] = line.split(/\s+#\s*/);
        const args = argumentsFor(command.trim(), document);
        if (args === undefined) return [];
        return [
          { line, args, wanted, isTool: command.startsWith("npx"), untilInterrupted: comment === "until Ctrl-C" },
        ];
      });
  });
}

async function run(
  { args, wanted, untilInterrupted }: Step,
  cwd: string,
): Promise<{ printed: string; complained: string; exitCode: number | null }> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  let complained = "";
  child.stdout.on("data", (chunk) => {
    printed += String(chunk);
    if (untilInterrupted && wanted.test(printed)) child.kill("SIGINT");
  });
  child.stderr.on("data", (chunk) => (complained += String(chunk)));
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { printed, complained, exitCode };
}

/** Undefined for npm: what it would run is this very test suite. */
function argumentsFor(command: string, document: string): string[] | undefined {
  const words = command.split(" ");
  if (words[0] === "node" && words[1] !== undefined) {
    return [join(folderOf(document), words[1].replace(/\.ts$/, runsTypeScript ? ".ts" : ".js")), ...words.slice(2)];
  }
  if (words[0] === "npx" && words[1] === "millrace") return [join(root, "dist/cli/main.js"), ...words.slice(2)];
  if (words[0] === "npm") return undefined;
  throw new Error(`a page runs a command that this test does not know: ${command}`);
}

function pattern(expected: string): RegExp {
  const lines = expected.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${lines.join(".*")}$`);
}

/**
 * Every file in examples/ ends in a comment that says what it prints. Each is run as a user would run it: in a process of
 * its own, in an empty folder, from what the compiler emitted. Folders under examples/ are programs with tests of their own.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts"));
const runMsMax = 30_000;

/** The lines after the last "// Output:", without their slashes. */
function promisedOutput(source: string): string[] {
  const [, trailer] = source.trimEnd().split(/^\/\/ Output:\n/m);
  if (trailer === undefined) throw new Error('an example ends in "// Output:" and the lines it prints');
  return trailer.split("\n").map((line) => {
    if (!line.startsWith("//")) throw new Error(`nothing but comments may follow "// Output:", not: ${line}`);
    return line.replace(/^\/\/ ?/, "");
  });
}

/** Rejects with what it wrote to stderr when it fails, and with what it printed so far when it does not end. */
async function outputOf(file: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-example-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(root, "build/examples", `${basename(file, ".ts")}.js`);
  const run = promisify(execFile)(process.execPath, [program], { cwd: folder, timeout: runMsMax });
  const { stdout } = await run.catch((error: Error & { killed?: boolean; stdout?: string }) => {
    if (error.killed === true) throw new Error(`it did not end in ${runMsMax} ms; so far: ${error.stdout}`);
    throw error;
  });
  return stdout.trimEnd().split("\n");
}

test("what an example promises is read from its last comment", () => {
  expect(promisedOutput('run();\n// Output:\n// one\n//\n// "two"\n')).toEqual(["one", "", '"two"']);
  expect(() => promisedOutput("run();\n")).toThrow("ends in");
  expect(() => promisedOutput("// Output:\n// one\nrun();\n")).toThrow("nothing but comments");
});

test("there are examples, and each is in the index", () => {
  expect(files).not.toEqual([]);
  const index = readFileSync(join(root, "examples/README.md"), "utf8");
  expect(files.filter((file) => !index.includes(`](${file})`))).toEqual([]);
});

test.for(files)("examples/%s prints what it says", { timeout: runMsMax + 5000 }, async (file) => {
  const source = readFileSync(join(root, "examples", file), "utf8");
  expect(await outputOf(file)).toEqual(promisedOutput(source));
});

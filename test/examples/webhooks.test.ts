/** The main job, as `npm start` runs it, in a process of its own and with its output piped. */
import { spawn } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const program = fileURLToPath(new URL("../../build/examples/webhooks/main.js", import.meta.url));
const escapeCode = "\u001b";

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "millrace-webhooks-"));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

interface Ended {
  readonly exitCode: number | null;
  readonly printed: string;
  readonly complained: string;
}

/** @param interruptAt Ctrl-C once this has been printed */
async function start(args: readonly string[], interruptAt?: string): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  let complained = "";
  let interrupted = false;
  child.stdout.on("data", (chunk) => {
    printed += String(chunk);
    if (interruptAt === undefined || interrupted || !printed.includes(interruptAt)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  child.stderr.on("data", (chunk) => (complained += String(chunk)));
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { exitCode, printed, complained };
}

interface Row {
  readonly part: string;
  readonly expected: number;
  readonly found: number;
  readonly missing: number;
  readonly twice: number;
}

/** The numbers of one row of the final table. */
function row({ printed }: Ended, part: string): Row {
  const line =
    printed.split("\n").findLast((candidate) => candidate.startsWith(`${part} `) && !candidate.includes("·")) ?? "";
  const numbers = line.split(/ {2,}/).slice(-4);
  const [expected = -1, found = -1, missing = -1, twice = -1] = numbers.map((text) => Number(text.replaceAll(",", "")));
  return { part, expected, found, missing, twice };
}

const exists = (path: string): Promise<boolean> =>
  access(join(cwd, path)).then(
    () => true,
    () => false,
  );

test(
  "every event is counted once per group, in plain lines, and nothing is left behind",
  { timeout: 60_000 },
  async () => {
    const ended = await start(["--events", "987", "--seed", "1"]);
    expect(ended).toMatchObject({ exitCode: 0, complained: "" });
    for (const part of ["intake", "audit", "metrics", "notify"]) {
      expect(row(ended, part)).toEqual({ part, expected: 987, found: 987, missing: 0, twice: 0 });
    }
    for (const part of ["mail", "pager", "chat"]) {
      const counted = row(ended, part);
      expect(counted).toMatchObject({ part, found: counted.expected, missing: 0, twice: 0 });
      expect(counted.expected).toBeGreaterThan(50);
    }
    expect(ended.printed).toMatch(/rejected: 550 5.1.1 this address takes no mail +such as \S+ +21$/m);
    expect(ended.printed).toMatch(/attempts: 452 4.2.2 mailbox full +such as \S+ +6$/m);
    expect(ended.printed).toContain("OK: every event is counted once per group: nothing was lost");
    expect(ended.printed).not.toContain(escapeCode);
    expect(await exists("millrace-data/webhooks")).toBe(false);
  },
);

test("killed with SIGKILL and started again, nothing acknowledged is lost", { timeout: 120_000 }, async () => {
  const ended = await start(["--events", "3000", "--crash", "--seed", "4"]);
  expect(ended).toMatchObject({ exitCode: 0, complained: "" });
  expect(ended.printed).toMatch(/^SIGKILL at \d+ % of the work/m);
  const killed = row(ended, "SIGKILL");
  expect(killed.expected).toBeGreaterThan(0);
  expect(killed).toMatchObject({ found: killed.expected, missing: 0 });
  for (const part of ["intake", "notify"]) {
    expect(row(ended, part)).toEqual({ part, expected: 3000, found: 3000, missing: 0, twice: 0 });
  }
  for (const part of ["audit", "metrics"]) expect(row(ended, part)).toMatchObject({ part, expected: 3000, missing: 0 });
  expect(ended.printed).toContain("OK: ");
});

const slowRun = ["--events", "2000", "--rate", "500", "--seed", "1"];

test("Ctrl-C stops it in order, and the next start goes on from there", { timeout: 60_000 }, async () => {
  const stopped = await start([...slowRun, "--data", "here"], "0:01 ");
  expect(stopped).toMatchObject({ exitCode: 130, complained: "" });
  expect(stopped.printed).toContain("To go on from here: npm start -- --data here");
  const ended = await start(["--events", "5", "--data", "here"]);
  expect(ended.printed).toMatch(/^Going on with an interrupted run: 2,000 GitHub webhook events, seed 1/);
  expect(ended).toMatchObject({ exitCode: 0, complained: "" });
  for (const part of ["intake", "audit", "metrics", "notify"]) {
    expect(row(ended, part)).toEqual({ part, expected: 2000, found: 2000, missing: 0, twice: 0 });
  }
});

test(
  "what is lost or doubled is found by the count: one is an error, the other is shown",
  { timeout: 60_000 },
  async () => {
    await start([...slowRun, "--data", "here"], "0:01 ");
    const audit = join(cwd, "here/out/audit.ndjson");
    const [first, second, ...rest] = (await readFile(audit, "utf8")).split("\n");
    await writeFile(audit, [second, second, ...rest].join("\n"));
    const ended = await start(["--data", "here"]);
    expect(first).not.toBe(second);
    expect(row(ended, "audit")).toMatchObject({ expected: 2000, found: 1999, missing: 1, twice: 1 });
    expect(ended.exitCode).toBe(1);
    expect(ended.printed).toContain("FAILED: 1 missing");
    expect(await exists("here/mill")).toBe(true); // to be looked at
  },
);

test("--keep leaves the data to look at, and the next run begins anew", { timeout: 60_000 }, async () => {
  const kept = await start(["--events", "300", "--keep"]);
  expect(kept.printed).toContain("npx millrace stats --on millrace-data/webhooks/mill");
  expect(await exists("millrace-data/webhooks/out/audit.ndjson")).toBe(true);
  const next = await start(["--events", "200"]);
  expect(row(next, "audit")).toMatchObject({ expected: 200, found: 200, missing: 0, twice: 0 });
  expect(await exists("millrace-data/webhooks")).toBe(false);
});

test("a wrong argument, or a directory that holds something else, is one line and exit code 2", async () => {
  const wrong = await start(["--events", "many"]);
  expect(wrong).toMatchObject({ exitCode: 2, printed: "" });
  expect(wrong.complained).toMatch(/^--events must be a whole number .*\n$/);
  await mkdir(join(cwd, "photos"));
  await writeFile(join(cwd, "photos/cat.jpg"), "");
  const foreign = await start(["--data", "photos"]);
  expect(foreign).toMatchObject({ exitCode: 2, printed: "" });
  expect(foreign.complained).toMatch(/photos holds something else.*\n$/);
  expect(await exists("photos/cat.jpg")).toBe(true);
});

/** The program as the shell runs it: what only a real process has. Everything else is tested in this one. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { commandsOn, freshPath } from "./directory.js";

const program = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

function start(argv: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [program, ...argv], { stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.once("close", (exitCode) => resolve({ exitCode, stdout, stderr })));
}

function run(argv: readonly string[], stdin = ""): Promise<Ended> {
  const child = start(argv);
  child.stdin.end(stdin);
  return ended(child);
}

async function sees(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  let seen = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    seen += String(chunk);
    if (seen.includes(text)) return;
  }
  throw new Error(`it ended without saying ${text}`);
}

describe("the program", () => {
  test("starts without the library: help needs no engine", async () => {
    const { exitCode, stdout, stderr } = await run(["--help"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: millrace /);
  });

  test("gives its exit code to the shell", async () => {
    expect(await run(["sned"])).toMatchObject({ exitCode: 2, stdout: "" });
    expect(await run(["channels", "--on", freshPath()])).toMatchObject({ exitCode: 4, stdout: "" });
  });

  test("reads a pipe and writes one, to the last byte", async () => {
    const on = ["--on", freshPath()];
    const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`).join("");
    expect(await run(["send", "log", "--kind", "stream", "--partitions", "1", ...on], lines)).toMatchObject({
      exitCode: 0,
      stdout: "",
    });
    expect((await run(["tail", "log", "--until-end", ...on])).stdout).toBe(lines);
  });

  test("takes a reader that has seen enough for the end, not for an error", async () => {
    const path = freshPath();
    await commandsOn(path)(["send", "log", "--kind", "stream"], { stdin: "x".repeat(200).concat("\n").repeat(20_000) });
    const child = start(["tail", "log", "--on", path]);
    const end = ended(child);
    child.stdout.once("data", () => child.stdout.destroy());
    expect(await end).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("waits for more as long as nobody stops it, and ends with 130 at Ctrl-C", async () => {
    const path = freshPath();
    await commandsOn(path)(["send", "log", "here", "--kind", "stream"]);
    const child = start(["tail", "log", "--on", path]);
    const end = ended(child);
    await sees(child, "here");
    child.kill("SIGINT");
    expect(await end).toMatchObject({ exitCode: 130 });
    expect(await commandsOn(path)(["channels"])).toMatchObject({ exitCode: 0 });
  });

  test("lets a running command finish at the first Ctrl-C, and takes it along at the second", async () => {
    const path = freshPath();
    await commandsOn(path)(["send", "emails"], { stdin: "one\n" });
    const child = start(["handle", "emails", "--exec", `echo $$; sleep 60; touch ${path}.finished`, "--on", path]);
    const end = ended(child);
    let printed = "";
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => {
        printed += chunk.toString();
        if (printed.includes("\n")) resolve();
      });
    });
    const stopping = new Promise((resolve) => child.stderr.once("data", resolve));
    child.kill("SIGINT");
    await stopping;
    expect(() => process.kill(Number(printed), 0)).not.toThrow();
    child.kill("SIGINT");
    expect(await end).toMatchObject({ exitCode: 130 });
    await expect.poll(() => isRunning(Number(printed)), { interval: 10 }).toBe(false);
    expect(existsSync(`${path}.finished`)).toBe(false);
    const { objects } = await commandsOn(path)(["peek", "emails", "--json"]);
    expect(objects).toMatchObject([{ value: "one", attempts: 1 }]);
  });

  test("measures in a directory of its own, and takes it away", async () => {
    const path = freshPath();
    const { exitCode, stdout } = await run(["bench", "--seconds", "1", "--json", "--on", path]);
    expect(exitCode).toBe(0);
    const figures = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { name: string; value: number });
    expect(figures.map((each) => each.name)).toEqual([
      "disk-sync-p50",
      "disk-sync-p99",
      "send-p50",
      "send-p99",
      "sends",
      "handles",
    ]);
    expect(figures.every((each) => each.value > 0)).toBe(true);
    expect(readdirSync(dirname(path))).toEqual([]);
  });
});

/** A process that has ended and that nobody has asked about yet does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

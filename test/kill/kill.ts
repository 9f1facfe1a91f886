/** Kills a real process on a real directory, again and again, and judges what is left. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../../src/base/random.js";
import { look } from "./look.js";
import { Model } from "./model.js";

const judgedEvery = 10;
const killedInStartEvery = 5;
const startMs = 10_000;

export interface KillResult {
  readonly kills: number;
  readonly acknowledged: number;
  /** In words; empty when every promise is kept. The directory is kept when it is not. */
  readonly wrong: readonly string[];
  readonly directory: string | undefined;
}

export async function kill(rounds: number, seed: number, report: (line: string) => void): Promise<KillResult> {
  const random = seededRandom(seed);
  const root = mkdtempSync(join(tmpdir(), "millrace-kill-"));
  const directory = join(root, "data");
  const model = new Model();
  report(`seed ${seed}`);
  let kills = 0;
  while (kills < rounds && model.wrong.length === 0) {
    kills++;
    const first = model.last + 1;
    const inStart = kills % killedInStartEvery === 0;
    const output = join(root, `lines-${kills}`);
    await killOne(output, {
      args: [directory, String(first), String(seed + kills), ...model.lastJob.map(String)],
      inStart,
      afterMs: random() * (inStart ? 60 : 300),
    });
    model.take(readFileSync(output, "latin1"));
    if (kills % judgedEvery !== 0 && kills !== rounds && model.wrong.length === 0) continue;
    model.judge(await look(directory, (what) => model.wrong.push(what)));
    report(`${kills} kills, ${model.acknowledged} messages acknowledged`);
  }
  const { wrong, acknowledged } = model;
  if (wrong.length === 0) rmSync(root, { recursive: true });
  return { kills, acknowledged, wrong, directory: wrong.length === 0 ? undefined : root };
}

interface OneKill {
  readonly args: readonly string[];
  /** Counted from the start of the process, not from its first line. */
  readonly inStart: boolean;
  readonly afterMs: number;
}

/** The worker writes to a file: what it wrote is there, however it ends. */
async function killOne(output: string, { args, inStart, afterMs }: OneKill): Promise<void> {
  const lines = openSync(output, "w");
  try {
    const worker = spawn(process.execPath, [workerPath(), ...args], { stdio: ["ignore", lines, "inherit"] });
    const ended = new Promise<void>((resolve, reject) => worker.once("error", reject).once("exit", () => resolve()));
    if (!inStart) await firstLine(lines, worker);
    await setTimeout(afterMs);
    worker.kill("SIGKILL");
    await ended;
  } finally {
    closeSync(lines);
  }
}

async function firstLine(lines: number, worker: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < startMs && worker.exitCode === null; waitedMs++) {
    if (fstatSync(lines).size > 0) return;
    await setTimeout(1);
  }
  worker.kill("SIGKILL");
  throw new Error("the worker does not begin to work");
}

/** What the compiler made of it, also when this file itself is run from its source. */
function workerPath(): string {
  const isCompiled = import.meta.url.endsWith(".js");
  return fileURLToPath(new URL(isCompiled ? "worker.js" : "../../build/test/kill/worker.js", import.meta.url));
}

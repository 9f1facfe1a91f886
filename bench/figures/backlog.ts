/**
 * Ten million messages that nobody has handled yet: what they cost in memory, how long it takes to open the directory
 * after the process was killed, and whether memory stays flat while they are worked off.
 *
 * Each phase is a process of its own, because memory is a matter of a whole process:
 *   fill   opens an empty directory, measures itself, sends, measures itself again, and is killed
 *   drain  opens what it left, measures, and handles everything
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Phase, Report } from "../backlog-process.js";
import type { Figure, Line, Result, Setting } from "../figure.js";
import { quantile } from "../statistics.js";

const memory = { of: "value", direction: "at most", bound: 150, aim: 50 } as const;
const lines = {
  memory: {
    name: "backlog-memory",
    title: "backlog: memory more than empty",
    unit: "MB",
    target: memory,
  },
  open: {
    name: "backlog-open",
    title: "backlog: open after SIGKILL",
    unit: "s",
    target: { of: "value", direction: "at most", bound: 2, aim: 0.5 },
  },
  reopened: {
    name: "backlog-reopened-memory",
    title: "backlog: memory more than empty, once reopened",
    unit: "MB",
    target: memory,
  },
  drain: {
    name: "backlog-drain-memory",
    title: "backlog: the most while it drains, over empty",
    unit: "MB",
    target: memory,
  },
  growth: {
    name: "backlog-drain-growth",
    title: "backlog: last quarter of the drain over the second",
    unit: "MB",
    target: { of: "value", direction: "at most", bound: 20, aim: 5 },
  },
} as const satisfies Record<string, Line>;

export const backlog: Figure = { name: "backlog", lines: Object.values(lines), run };

async function run(setting: Setting): Promise<readonly Result[]> {
  const filled = await phase("fill", setting);
  const drained = await phase("drain", setting);
  if (drained.handled < setting.backlog) throw new Error(`${setting.backlog - drained.handled} messages were lost`);
  const empty = filled.emptyMb;
  const more = (line: Line, megabytes: number): Result => result(line, megabytes - empty, empty);
  const peak = Math.max(...drained.samplesMb);
  const quarter = Math.floor(drained.samplesMb.length / 4);
  const second = quantile(drained.samplesMb.slice(quarter, 2 * quarter), 0.5);
  const last = quantile(drained.samplesMb.slice(-quarter), 0.5);
  return [
    more(lines.memory, filled.fullMb),
    result(lines.open, drained.openSeconds, filled.openSeconds),
    more(lines.reopened, drained.openedMb),
    more(lines.drain, peak),
    result(lines.growth, last - second, second),
  ];
}

/** The yardstick is the same process without a backlog. */
function result(line: Line, value: number, empty: number): Result {
  return { ...line, value, yardstick: empty, yardstickName: "empty", ratio: value / empty };
}

async function phase<P extends Phase>(name: P, setting: Setting): Promise<Report[P]> {
  const program = fileURLToPath(new URL("../backlog-process.js", import.meta.url));
  const child = fork(program, [name, setting.directory, `${setting.backlog}`], { execArgv: ["--expose-gc"] });
  try {
    return await reportOf<Report[P]>(child, (what) => setting.progress(`${name}: ${what}`));
  } finally {
    // No farewell: what was acknowledged must be there without one.
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
}

function reportOf<R>(child: ChildProcess, progress: (what: string) => void): Promise<R> {
  return new Promise((resolve, reject) => {
    child.on("message", (message: string | R) => {
      if (typeof message === "string") progress(message);
      else resolve(message);
    });
    child.once("exit", (code) => reject(new Error(`the process ended early, exit code ${code}`)));
  });
}

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";

/** Who holds a lock, as it is written into it. */
export interface Owner {
  /** Tells two locks of the same process apart. */
  readonly token: string;
  readonly pid: number;
  readonly host: string;
  /** What tells this process from an earlier or later one with the same pid; null where the system does not say. */
  readonly started: string | null;
  readonly openedAt: string;
}

export function thisProcess(clock: Clock, random: Random): Owner {
  return {
    token: Math.floor(random() * 2 ** 48).toString(36),
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
    openedAt: new Date(clock.nowMs()).toISOString(),
  };
}

/** The owner that is written in `text`, or undefined when it is none. */
export function ownerIn(text: string): Owner | undefined {
  let owner: Partial<Owner> | null;
  try {
    owner = JSON.parse(text) as Partial<Owner> | null;
  } catch {
    return undefined;
  }
  const { token, pid, host, started, openedAt } = owner ?? {};
  const whole = typeof token === "string" && typeof host === "string" && typeof openedAt === "string";
  if (!whole || !Number.isSafeInteger(pid) || (typeof started !== "string" && started !== null)) return undefined;
  return { token, pid: pid as number, host, started, openedAt };
}

/** "unknown": it is of another host, whose processes cannot be seen from here. In doubt, an owner runs. */
export function standingOf(owner: Owner): "runs" | "gone" | "unknown" {
  if (owner.host !== hostname()) return "unknown";
  if (owner.pid <= 0 || !isRunning(owner.pid)) return "gone";
  const started = startOf(owner.pid);
  const samePidAnotherProcess = started !== null && owner.started !== null && started !== owner.started;
  return samePidAnotherProcess ? "gone" : "runs";
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs and is somebody else's.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
  return process.platform !== "linux" || processState(pid) !== "Z";
}

/** A process that ended and was not waited for yet answers signals still. */
function processState(pid: number): string | undefined {
  return linuxStat(pid)?.[0];
}

/** On Linux the boot and the tick of it at which the process began, elsewhere its date. */
function startOf(pid: number): string | null {
  try {
    if (process.platform === "win32") return null;
    if (process.platform !== "linux") return startByPs(pid);
    const startTicks = linuxStat(pid)?.[19];
    return startTicks === undefined
      ? null
      : `${readFileSync("/proc/sys/kernel/random/boot_id", "ascii").trim()}/${startTicks}`;
  } catch {
    return null;
  }
}

function startByPs(pid: number): string | null {
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const answer = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "ascii", env, stdio: "pipe" });
  return answer.trim() === "" ? null : answer.trim();
}

/** The fields of /proc/<pid>/stat from the third on; the second, a name, may hold anything and ends in a bracket. */
function linuxStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

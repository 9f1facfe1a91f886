import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chance } from "./chance.js";
import type { Display } from "./display.js";
import { exitCodes } from "./exit-codes.js";
import { UsageError, type Options } from "./options.js";
import { Tally } from "./tally.js";
import type { Check } from "./report.js";
import { count } from "./table.js";

/** What the program tells the process that started it, if that wants to know. */
export type News =
  | { readonly kind: "acknowledged"; readonly numbers: readonly number[] }
  | { readonly kind: "share-done"; readonly share: number };

/** Sends news to the parent process; does nothing when no parent listens. */
export function tellParent(news: News): void {
  process.send?.(news);
}

/** The kill comes somewhere between these shares of the work, and then up to so much later. */
const earliestShare = 0.1;
const latestShare = 0.8;
const extraMsMax = 100;

/**
 * Starts this program as a child and kills it with SIGKILL at a random moment: no handler runs, no buffer is flushed, nothing is said.
 * Resolves with the events that the child was told were taken over: none of them may be missing afterwards.
 */
export async function runAndKill(options: Options, display: Display): Promise<Tally | "interrupted"> {
  const acknowledged = new Tally(options.events);
  const killAtShare = earliestShare + chance(options.seed, "share") * (latestShare - earliestShare);
  const extraMs = Math.floor(chance(options.seed, "extra") * extraMsMax);
  const child = fork(fileURLToPath(new URL("main.js", import.meta.url)), childArguments(options), { stdio: "inherit" });
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  let killing: Promise<void> | undefined;
  child.on("message", (news: News) => {
    if (news.kind === "acknowledged") for (const number of news.numbers) acknowledged.addNumber(number);
    else if (news.share >= killAtShare) killing ??= sleep(extraMs).then(() => void child.kill("SIGKILL"));
  });
  const [code, signal] = await exited;
  await killing;
  if (code === exitCodes.interrupted) return "interrupted";
  if (code === exitCodes.whole) throw new UsageError("the run was over before it could be killed; try more --events");
  if (signal !== "SIGKILL")
    throw new Error(`the program failed before it could be killed: ${signal ?? `exit code ${code}`}`);
  display.print(
    "",
    `SIGKILL at ${Math.round(killAtShare * 100)} % of the work and ${extraMs} ms: ${count(acknowledged.distinct)} events acknowledged by then.`,
    "",
  );
  return acknowledged;
}

/** What the stream holds after the kill, against what was acknowledged before it. */
export function survivalCheck(acknowledged: Tally, present: Tally): Check {
  const missing = acknowledged.numbers().filter((number) => !present.has(number)).length;
  return {
    part: "SIGKILL",
    what: "acknowledged before it, found after it",
    expected: acknowledged.distinct,
    found: acknowledged.distinct - missing,
    missing,
    again: 0,
    strangers: present.strangers,
  };
}

function childArguments(options: Options): string[] {
  const rate = Number.isFinite(options.eventsPerSecond) ? ["--rate", String(options.eventsPerSecond)] : [];
  return [
    "--events",
    String(options.events),
    "--seed",
    String(options.seed),
    "--data",
    options.data,
    "--keep",
    ...rate,
  ];
}

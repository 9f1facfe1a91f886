import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

export type Contender = ChildProcessByStdio<Writable, Readable, null>;

const program = fileURLToPath(new URL("contender.mjs", import.meta.url));

export function startContender(...args: string[]): Contender {
  return spawn(process.execPath, [program, ...args], { stdio: ["pipe", "pipe", "inherit"] });
}

/** The first line it says. */
export async function answerOf(contender: Contender): Promise<string> {
  let text = "";
  for await (const chunk of contender.stdout) {
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
  }
  return text;
}

export async function end(contender: Contender): Promise<void> {
  if (contender.exitCode !== null || contender.signalCode !== null) return;
  const ended = once(contender, "exit");
  contender.stdin.end();
  await ended;
}

export async function kill(contender: Contender): Promise<void> {
  const ended = once(contender, "exit");
  contender.kill("SIGKILL");
  await ended;
}

import { type ChildProcess, spawn } from "node:child_process";
import { systemCodeOf } from "../disk/failure.js";
import type { Clock, Message } from "../index.js";
import type { Output } from "./output.js";

/** How a command ended: by itself, or by a signal; or it could not be started at all. */
export type Ending =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "not-started"; readonly systemCode: string; readonly message: string };

export interface Execution {
  readonly ending: Ending;
  /** The last of what the command said on stderr. */
  readonly lastWords: string;
}

export interface CommandToRun {
  readonly command: string;
  readonly message: Message<Uint8Array>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Ends the command: first politely, then for good. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** What a command that was asked to end may still do. */
const graceMs = 5_000;

const lastWordsBytesMax = 4_096;

/** Where there are process groups, a command has its own: Ctrl-C is for us, who then let it finish. */
const ownGroup = process.platform !== "win32";

const running = new Set<ChildProcess>();

/** However this process ends, its commands must not go on alone. */
process.on("exit", () => {
  for (const child of running) kill(child, "SIGKILL");
});

/** Runs a shell command with the message's payload on its stdin. */
export async function execute(toRun: CommandToRun): Promise<Execution> {
  const started = start(toRun);
  if ("kind" in started) return { ending: started, lastWords: "" };
  running.add(started);
  const release = killOnAbort(started, toRun);
  try {
    const lastWords = new LastWords(toRun.stderr);
    const [ending] = await Promise.all([
      endingOf(started),
      feed(started, toRun.message.value),
      pump(started.stdout, (chunk) => toRun.stdout.write(chunk)),
      pump(started.stderr, (chunk) => lastWords.take(chunk)),
    ]);
    return { ending, lastWords: lastWords.text };
  } finally {
    release();
    running.delete(started);
  }
}

function start(toRun: CommandToRun): ChildProcess | Ending {
  try {
    return spawn(toRun.command, { shell: true, detached: ownGroup, stdio: "pipe", env: { ...toRun.environment } });
  } catch (error) {
    return notStarted(error);
  }
}

function notStarted(error: unknown): Ending {
  return {
    kind: "not-started",
    systemCode: systemCodeOf(error),
    message: error instanceof Error ? error.message : String(error),
  };
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(notStarted(error)));
    child.once("close", (code, signal) => {
      resolve(signal === null ? { kind: "exit", code: code ?? 0 } : { kind: "signal", signal });
    });
  });
}

/** A command need not read its stdin: that it closed it is its own business. */
async function feed(child: ChildProcess, payload: Uint8Array): Promise<void> {
  child.stdin?.on("error", () => {});
  child.stdin?.end(payload);
}

async function pump(
  stream: AsyncIterable<Uint8Array> | null,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  for await (const chunk of stream ?? []) await write(chunk);
}

function killOnAbort(child: ChildProcess, { signal, clock }: CommandToRun): () => void {
  let timer = { cancel(): void {} };
  const stop = (): void => {
    kill(child, "SIGTERM");
    timer = clock.after(graceMs, () => kill(child, "SIGKILL"));
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  return () => {
    signal.removeEventListener("abort", stop);
    timer.cancel();
  };
}

function kill(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    if (ownGroup && child.pid !== undefined) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // It is gone already.
  }
}

/** Passes stderr on, and keeps the end of it for the dead letter. */
class LastWords {
  readonly #stderr: Output;
  #kept: Buffer = Buffer.alloc(0);

  constructor(stderr: Output) {
    this.#stderr = stderr;
  }

  get text(): string {
    return this.#kept.toString("utf8").trim();
  }

  take(chunk: Uint8Array): Promise<void> {
    this.#kept = Buffer.concat([this.#kept, chunk]).subarray(-lastWordsBytesMax);
    return this.#stderr.write(chunk);
  }
}

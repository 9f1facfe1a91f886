import { PassThrough, Readable } from "node:stream";
import { systemClock, type Clock } from "../../src/base/clock.js";
import type { Open } from "../../src/cli/call.js";
import type { OutputStream } from "../../src/cli/io.js";
import { run } from "../../src/cli/run.js";

/** What a test gives to the command line instead of a process. */
export interface Surroundings {
  readonly stdin?: string | Uint8Array | readonly Uint8Array[] | Readable;
  readonly open?: Open;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly stdoutIsTerminal?: boolean;
  readonly stderrIsTerminal?: boolean;
  /** Instead of gathering what is printed. */
  readonly stdout?: OutputStream;
}

export interface Result {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
  /** stdout as NDJSON. */
  readonly objects: readonly Record<string, unknown>[];
}

/** Runs the command line in this process. */
export async function commandLine(argv: readonly string[], surroundings: Surroundings = {}): Promise<Result> {
  const stdout = new Gathered(surroundings.stdoutIsTerminal === true);
  const stderr = new Gathered(surroundings.stderrIsTerminal === true);
  const exitCode = await run(
    argv,
    {
      stdin: readable(surroundings.stdin ?? ""),
      stdout: surroundings.stdout ?? stdout.stream,
      stderr: stderr.stream,
      env: surroundings.env ?? { PATH: process.env["PATH"] },
      signal: surroundings.signal ?? new AbortController().signal,
      clock: surroundings.clock ?? systemClock,
    },
    surroundings.open,
  );
  return {
    exitCode,
    stdout: stdout.text,
    stdoutBytes: stdout.bytes,
    stderr: stderr.text,
    get objects() {
      return stdout.text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

function readable(stdin: NonNullable<Surroundings["stdin"]>): Readable {
  if (stdin instanceof Readable) return stdin;
  const chunks = typeof stdin === "string" ? [Buffer.from(stdin)] : stdin instanceof Uint8Array ? [stdin] : stdin;
  return Readable.from(chunks, { objectMode: false });
}

/** A stream that keeps what was written to it. */
class Gathered {
  readonly stream: OutputStream;
  readonly #chunks: Buffer[] = [];

  constructor(isTerminal: boolean) {
    const stream = new PassThrough();
    stream.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    this.stream = isTerminal ? Object.assign(stream, { isTTY: true, columns: 100 }) : stream;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }
}

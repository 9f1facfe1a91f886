import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "./options.js";

/** What a run is, kept in `run.json`, so that an interrupted one can be gone on with. */
interface RunFile {
  readonly program: typeof program;
  readonly state: "running" | "finished";
  readonly events: number;
  readonly seed: number;
}

const program = "millrace webhooks example";
const runFileName = "run.json";

/**
 * The directory a run writes to. It is emptied when a run begins, kept while one is interrupted, and removed when one
 * ends well, unless asked otherwise. A directory that holds anything else is left alone.
 */
export class Workspace {
  readonly directory: string;
  readonly events: number;
  readonly seed: number;
  /** The run began in an earlier process. */
  readonly resumed: boolean;

  private constructor(directory: string, run: { events: number; seed: number; resumed: boolean }) {
    this.directory = directory;
    this.events = run.events;
    this.seed = run.seed;
    this.resumed = run.resumed;
  }

  /** Goes on with an interrupted run, whose settings count then; begins a new one otherwise, or when `fresh`. */
  static async open(directory: string, run: { events: number; seed: number; fresh: boolean }): Promise<Workspace> {
    const at = resolve(directory);
    const earlier = await readRunFile(at);
    if (earlier?.state === "running" && !run.fresh) {
      return new Workspace(at, { events: earlier.events, seed: earlier.seed, resumed: true });
    }
    await clear(at);
    await mkdir(at, { recursive: true });
    const workspace = new Workspace(at, { events: run.events, seed: run.seed, resumed: false });
    await workspace.#write("running");
    await mkdir(workspace.out("."));
    return workspace;
  }

  /** Millrace's own data directory. */
  get mill(): string {
    return join(this.directory, "mill");
  }

  /** A file that a part of the program writes. */
  out(name: string): string {
    return join(this.directory, "out", name);
  }

  async finish(keep: boolean): Promise<void> {
    await this.#write("finished");
    if (!keep) await clear(this.directory);
  }

  async #write(state: RunFile["state"]): Promise<void> {
    const run: RunFile = { program, state, events: this.events, seed: this.seed };
    await writeFile(join(this.directory, runFileName), `${JSON.stringify(run)}\n`);
  }
}

/** Removes the mark that says the directory is ours last, so that a kill in between leaves nothing we would not touch again. */
async function clear(directory: string): Promise<void> {
  await Promise.all(["mill", "out"].map((name) => rm(join(directory, name), { recursive: true, force: true })));
  await rm(directory, { recursive: true, force: true });
}

/** Undefined when there is no such directory yet, or an empty one. */
async function readRunFile(directory: string): Promise<RunFile | undefined> {
  const names: string[] = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (names.length === 0) return undefined;
  const text = names.includes(runFileName) ? await readFile(join(directory, runFileName), "utf8") : "{}";
  const run = JSON.parse(text) as Partial<RunFile>;
  if (run.program !== program) {
    throw new UsageError(`${directory} holds something else. Name a directory of its own with --data, or an empty one`);
  }
  return run as RunFile;
}

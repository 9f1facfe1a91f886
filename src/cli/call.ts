import type { OpenOptions, Millrace } from "../index.js";
import { assertDirectoryThere } from "./address.js";
import { CommandError } from "./failure.js";
import type { Io } from "./io.js";
import { noteLogger } from "./logger.js";
import type { Output } from "./output.js";

export type Open = (address: string, options?: OpenOptions) => Promise<Millrace>;

/** What `--on`, `--json` and the process give to a verb. */
export interface CallSettings {
  readonly io: Io;
  readonly out: Output;
  readonly notes: Output;
  readonly on: string;
  readonly json: boolean;
  readonly operands: readonly string[];
  readonly open: Open;
}

/** One call of a verb: where it reads, prints and opens, and what it was asked. */
export class Call {
  readonly io: Io;
  /** Data, on stdout. */
  readonly out: Output;
  /** Everything else, on stderr. */
  readonly notes: Output;
  readonly on: string;
  readonly json: boolean;
  /** What stands on the command line besides options, in order. */
  readonly operands: readonly string[];
  /** Aborts on Ctrl-C, and when nobody reads our output any more: end soon. */
  readonly signal: AbortSignal;
  readonly #open: Open;

  constructor(settings: CallSettings) {
    this.io = settings.io;
    this.out = settings.out;
    this.notes = settings.notes;
    this.on = settings.on;
    this.json = settings.json;
    this.operands = settings.operands;
    this.#open = settings.open;
    this.signal = AbortSignal.any([settings.io.signal, settings.out.gone]);
  }

  /** The first operand: the parser has seen to it that there is one. */
  get channel(): string {
    return this.operands[0] ?? "";
  }

  /** Opens what `--on` names, and closes it when `work` is over. Makes no data directory unless `create` is said. */
  async with<T>(work: (mill: Millrace) => Promise<T>, { create = false } = {}): Promise<T> {
    if (!create) assertDirectoryThere(this.on);
    const mill = await this.openAt(this.on);
    let result: T;
    try {
      result = await work(mill);
    } catch (error) {
      // What went wrong first is what has to be told.
      await mill.close().catch(() => {});
      throw error;
    }
    await mill.close();
    return result;
  }

  /** Opens an address. The caller closes it. */
  openAt(address: string): Promise<Millrace> {
    return this.#open(address, { logger: noteLogger(this.notes, this.json) });
  }

  /** One object as one line of JSON. */
  object(value: unknown): Promise<void> {
    return this.out.line(JSON.stringify(value));
  }

  /** A word to the person at the terminal. */
  note(text: string): Promise<void> {
    return this.notes.line(`millrace: ${text}`);
  }

  /** Throws when Ctrl-C has ended the work early. */
  assertNotInterrupted(what: string): void {
    if (this.io.signal.aborted) throw new CommandError("INTERRUPTED", what);
  }
}

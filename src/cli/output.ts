import { once } from "node:events";
import { systemCodeOf } from "../disk/failure.js";
import { CommandError } from "./failure.js";
import type { OutputStream } from "./io.js";

/**
 * A stream we print to. Waits for a slow reader instead of gathering what it has not taken, and takes a reader that
 * went away (`millrace tail … | head`) for the end of the work, not for an error.
 */
export class Output {
  readonly isTerminal: boolean;
  readonly #stream: OutputStream;
  readonly #gone = new AbortController();
  #failure: Error | undefined;

  constructor(stream: OutputStream) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY === true;
    stream.on("error", this.#onError);
  }

  /** Aborts when nobody reads any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get columns(): number {
    return this.#stream.columns ?? 120;
  }

  /** Resolves once there is room for more. Writing to a reader that is gone does nothing. */
  async write(chunk: string | Uint8Array): Promise<void> {
    if (this.#gone.signal.aborted) return;
    if (this.#stream.write(chunk)) return;
    await once(this.#stream, "drain", { signal: this.#gone.signal }).catch(() => {});
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** Resolves once everything has been handed to the system. Throws when something could not be. */
  async end(): Promise<void> {
    if (!this.#gone.signal.aborted && this.#stream.writableLength > 0) {
      await new Promise<void>((resolve) => {
        this.#gone.signal.addEventListener("abort", () => resolve(), { once: true });
        this.#stream.write("", () => resolve());
      });
    }
    if (this.#failure === undefined) return;
    const what = `the output is not whole, it could not be written: ${this.#failure.message}`;
    throw new CommandError("OUTPUT_FAILED", what, { cause: this.#failure });
  }

  readonly #onError = (error: Error): void => {
    // A full disk behind `> file` is a failure; a closed pipe is a reader that has seen enough.
    if (systemCodeOf(error) !== "EPIPE") this.#failure ??= error;
    this.#gone.abort();
  };
}

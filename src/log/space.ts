/**
 * What the log does about a full disk: sends are refused, settling and reading go on, and it looks for room until
 * there is some again.
 *
 *   roomy ──DISK_FULL──▶ full ──gives up the reserve · checkpoints · tries again every second──▶ roomy
 */
import type { Clock, Timer } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { type Disk, writeFully } from "../disk/disk.js";

export const reserveName = "reserve";
const retryMs = 1_000;
const chunk = Buffer.alloc(64 * 1024);

export interface SpaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reserveBytes: number;
  /** Tries to do what failed for lack of room; resolves to whether there is room now. */
  readonly recover: () => Promise<boolean>;
}

export class Space {
  readonly #options: SpaceOptions;
  #full = false;
  #timer: Timer | undefined;
  #recovering: Promise<void> | undefined;
  #waiting: (() => void)[] = [];
  #finishing = false;
  #closed = false;

  constructor(options: SpaceOptions) {
    this.#options = options;
  }

  get full(): boolean {
    return this.#full;
  }

  refusal(): MillraceError {
    return new MillraceError(
      "DISK_FULL",
      `no space left for ${this.#options.disk.where}: sending is refused until there is, settling and reading go on. Free some space, or settle or expire messages`,
    );
  }

  /** Something found no room. */
  report(): void {
    if (this.#full) return;
    this.#full = true;
    this.#options.logger.error(
      { where: this.#options.disk.where },
      "the disk is full: sends are refused until there is room",
    );
    this.giveUpReserve();
    this.#retrySoon();
  }

  /** Resolves after the next attempt to find room. @throws DISK_FULL when the log is being closed and there is none */
  async nextAttempt(): Promise<void> {
    this.report();
    if (!this.#finishing) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return;
    }
    const roomy = await this.#options.recover().catch(() => false);
    if (!roomy) throw this.refusal();
  }

  /** Closing must end, on a full disk too: from now on who finds no room tries once more and does not wait. */
  async finish(): Promise<void> {
    this.#finishing = true;
    this.#timer?.cancel();
    await this.#recovering;
    this.#wake();
  }

  /** Sets the reserve aside again, when there is room for it. */
  async keepReserve(): Promise<void> {
    const { disk, reserveBytes } = this.#options;
    if (reserveBytes === 0 || this.#full || disk.exists(reserveName)) return;
    try {
      const file = disk.open(reserveName, "create");
      try {
        for (let at = 0; at < reserveBytes; at += chunk.length)
          writeFully(file, chunk.subarray(0, Math.min(chunk.length, reserveBytes - at)), at);
        await file.sync();
      } finally {
        file.close();
      }
    } catch {
      this.giveUpReserve();
    }
  }

  giveUpReserve(): void {
    const { disk } = this.#options;
    if (disk.exists(reserveName)) disk.remove(reserveName);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#wake();
  }

  /** Resolves once an attempt that is under way has ended. */
  settled(): Promise<void> {
    return this.#recovering ?? Promise.resolve();
  }

  #retrySoon(): void {
    if (this.#finishing || this.#closed) return;
    this.#timer = this.#options.clock.after(retryMs, () => {
      this.#recovering = this.#attempt().finally(() => {
        this.#recovering = undefined;
      });
    });
  }

  async #attempt(): Promise<void> {
    const roomy = await this.#options.recover().catch(() => false);
    if (this.#closed) return;
    if (roomy) {
      this.#full = false;
      this.#options.logger.info(
        { where: this.#options.disk.where },
        "there is room on the disk again: sends are accepted",
      );
      await this.keepReserve();
    }
    this.#wake();
    if (!roomy) this.#retrySoon();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

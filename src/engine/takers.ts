/** The sources of one group, and of these the ones that wait for messages: who has waited longest is served first. */
import type { Logger } from "../base/logger.js";
import { Deque } from "./deque.js";
import type { GroupSource } from "./group-source.js";
import type { LeasedRecord } from "./leases.js";

export class Takers {
  readonly sources = new Set<GroupSource>();
  readonly #waiting = new Deque<GroupSource>();
  #serving = false;

  get size(): number {
    return this.#waiting.length;
  }

  /** Whether somebody else has waited longer than `source`. */
  precede(source: GroupSource): boolean {
    return this.#waiting.length > 0 && this.#waiting.first !== source;
  }

  add(source: GroupSource): void {
    this.#waiting.push(source);
  }

  remove(source: GroupSource): void {
    this.#waiting.remove(source);
  }

  /** Serves them in turn until one finds nothing. */
  serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    for (let source = this.#waiting.first; source?.serve() === true; source = this.#waiting.first) {
      this.#waiting.shift();
    }
    this.#serving = false;
  }

  /** Serves every one for whom there is something: not all want the same. */
  serveEach(): void {
    if (this.#serving || this.#waiting.length === 0) return;
    this.#serving = true;
    for (const source of this.#waiting.drain()) if (!source.serve()) this.#waiting.push(source);
    this.#serving = false;
  }

  fail(error: Error): void {
    for (const source of this.#waiting.drain()) source.fail(error);
  }

  /** When the first lease of any source ends. */
  firstDeadlineMs(): number {
    let firstMs = Infinity;
    for (const source of this.sources) firstMs = Math.min(firstMs, source.leases.firstDeadlineMs);
    return firstMs;
  }
}

/** Tells a source what it has lost. What it does then is its own: it cannot harm the group. */
export function tellLost(source: GroupSource, lost: readonly LeasedRecord[], logger: Logger): void {
  if (lost.length === 0) return;
  try {
    source.options.onLost(lost);
  } catch (error) {
    logger.error({ error }, "a consumer failed when it was told about lost leases");
  }
}

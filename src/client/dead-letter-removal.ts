import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { DriverAdmin, PeekedMessage, StagedMessage } from "../driver.js";
import type { Matches } from "./dead-letter-filter.js";
import type { DropOptions } from "./dead-letters.js";
import { Pace } from "./pace.js";

/** A commit is closed after so many messages, or bytes of payload. */
const commitMessages = 50;
const commitBytes = 1024 * 1024;

/** What goes out with the removal of a dead letter. */
export type SendsFor = (stored: PeekedMessage) => readonly StagedMessage[] | Promise<readonly StagedMessage[]>;

export interface RemovalParts {
  readonly admin: DriverAdmin;
  readonly clock: Clock;
  /** The queue they are in. */
  readonly name: string;
  readonly sendsFor: SendsFor;
  readonly rate: number | undefined;
  readonly options: DropOptions;
}

/** Takes dead letters out of their queue, a commit at a time, each with what is sent in its place. */
export class DeadLetterRemoval {
  readonly #parts: RemovalParts;
  readonly #pace: Pace;
  #done = 0;
  #looked = 0;
  #total = 0;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.clock, parts.rate);
  }

  /** These. Returns how many; somebody else may have been faster. */
  async each(found: readonly PeekedMessage[]): Promise<number> {
    this.#total = found.length;
    for (const batch of commitsOf(found, this.#pace.portion(commitMessages))) {
      this.#looked += batch.length;
      await this.#remove(batch);
    }
    return this.#done;
  }

  /** Those that match. Not more than there were at the beginning: what a redriven message leaves here when it fails again is for another time. */
  async matching(matches: Matches, limit: number): Promise<number> {
    const { admin, name } = this.#parts;
    this.#total = (await admin.stats(name)).messages;
    // The last one that stayed: those behind it can be looked at from there, also when what came in between is gone.
    let after: string | undefined;
    while (this.#looked < this.#total && this.#done < limit) {
      const pageMessages = Math.min(this.#total - this.#looked, commitMessages);
      const page = await admin.peek(name, { group: "", limit: pageMessages, after });
      if (page.length === 0) break;
      const selected = page.filter(matches).slice(0, limit - this.#done);
      const removed = new Set<string>();
      this.#looked += page.length;
      for (const batch of commitsOf(selected, this.#pace.portion(commitMessages))) {
        for (const id of await this.#remove(batch)) removed.add(id);
      }
      if (selected.length === 0) this.#tell();
      after = page.findLast((stored) => !removed.has(stored.id))?.id ?? after;
    }
    return this.#done;
  }

  async #remove(batch: readonly PeekedMessage[]): Promise<readonly string[]> {
    const { admin, name, sendsFor, options } = this.#parts;
    await this.#pace.turn();
    this.#refuseAborted();
    const removals: { id: string; sends: readonly StagedMessage[] }[] = [];
    for (const stored of batch) removals.push({ id: stored.id, sends: await sendsFor(stored) });
    const dryRun = options.dryRun === true;
    const ids = dryRun ? removals.map(({ id }) => id) : await admin.remove(name, removals);
    this.#pace.count(dryRun ? 0 : ids.length);
    this.#done += ids.length;
    this.#tell();
    // To a dry run nothing is gone: it goes on behind the last one.
    return dryRun ? [] : ids;
  }

  #tell(): void {
    this.#parts.options.onProgress?.({ done: this.#done, looked: this.#looked, total: this.#total });
  }

  #refuseAborted(): void {
    const { signal } = this.#parts.options;
    if (signal?.aborted !== true) return;
    const text = `stopped by its signal between two commits, after ${this.#done} dead letters; the others are where they were`;
    throw new MillraceError("ABORTED", text, { cause: signal.reason });
  }
}

/** In the portions of one commit. */
function* commitsOf(
  all: readonly PeekedMessage[],
  messagesMax: number,
): Generator<readonly PeekedMessage[], void, undefined> {
  let batch: PeekedMessage[] = [];
  let bytes = 0;
  for (const stored of all) {
    batch.push(stored);
    bytes += stored.value.length;
    if (batch.length < messagesMax && bytes < commitBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

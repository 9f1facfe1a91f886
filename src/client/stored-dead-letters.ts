import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { DeclaredChannel, Driver, PeekedMessage } from "../driver.js";
import { checkInteger, checkOptions, shown } from "./checks.js";
import { CauseCounter } from "./dead-letter-causes.js";
import { edited } from "./dead-letter-edit.js";
import type { Payload } from "./dead-letter-edit.js";
import { filterOptions, matcherOf } from "./dead-letter-filter.js";
import type { Matches } from "./dead-letter-filter.js";
import { DeadLetterRemoval } from "./dead-letter-removal.js";
import type { RemovalParts, SendsFor } from "./dead-letter-removal.js";
import { isFrom, redrivenOf, viewOf } from "./dead-letter-view.js";
import type { Origin } from "./dead-letter-view.js";
import type {
  DeadCause,
  DeadFilter,
  DeadLetter,
  DeadLetters,
  DeadListOptions,
  DeadSelection,
  DropOptions,
  RedriveOptions,
} from "./dead-letters.js";
import { bounds, defaults } from "./defaults.js";
import { describeStored } from "./describe-stored.js";
import { deadLetterName } from "./names.js";
import { Reading } from "./reading.js";
import { checkSignal } from "./send-options.js";

const dropOptions = ["dryRun", "onProgress", "signal"];
const known = {
  list: new Set(["limit", "after", ...filterOptions]),
  causes: new Set(filterOptions),
  select: new Set(["ids", "all", "limit", ...filterOptions]),
  redrive: new Set([...dropOptions, "rate", "edit", "toAllGroups"]),
  drop: new Set(dropOptions),
};

/** Messages looked at in one go. */
const pageMessages = 500;

export interface StoredDeadLettersParts<T> {
  readonly origin: Origin;
  readonly payload: Payload<T>;
  readonly clock: Clock;
  /** Throws when their Millrace is closed. */
  readonly requireOpen: () => void;
}

/** Dead letters as they lie in their queue. Everything goes through `peek` and `remove`, so it works beside running consumers. */
export class StoredDeadLetters<T> implements DeadLetters<T> {
  readonly name: string;
  readonly #driver: Driver;
  readonly #origin: Origin;
  readonly #parts: StoredDeadLettersParts<T>;
  readonly #reading: Reading<T>;

  constructor(driver: Driver, parts: StoredDeadLettersParts<T>) {
    this.name = deadLetterName(parts.origin.channel, parts.origin.group);
    this.#driver = driver;
    this.#origin = parts.origin;
    this.#parts = parts;
    this.#reading = new Reading(parts.payload);
  }

  async list(options: DeadListOptions = {}): Promise<readonly DeadLetter<T>[]> {
    checkOptions(options, known.list, "dead.list");
    const { limit = defaults.peekLimit, after } = options;
    checkInteger(limit, "dead.list: limit", bounds.count);
    const matches = matcherOf(options, "dead.list");
    const letters: DeadLetter<T>[] = [];
    for await (const page of this.#pages(after)) {
      for (const stored of page) {
        if (matches(stored)) letters.push(viewOf(stored, this.#reading));
        if (letters.length === limit) return letters;
      }
    }
    return letters;
  }

  async causes(filter: DeadFilter = {}): Promise<readonly DeadCause<T>[]> {
    checkOptions(filter, known.causes, "dead.causes");
    const matches = matcherOf(filter, "dead.causes");
    const counter = new CauseCounter(this.#reading);
    for await (const page of this.#pages(undefined)) {
      for (const stored of page) if (matches(stored)) counter.add(stored);
    }
    return counter.causes();
  }

  async show(id: string): Promise<DeadLetter<T>> {
    if (typeof id !== "string") throw new TypeError(`dead.show: an id is a string, not ${shown(id)}`);
    const [stored] = await this.#find([id]);
    return viewOf(stored as PeekedMessage, this.#reading);
  }

  async redrive(which: DeadSelection, options: RedriveOptions<T> = {}): Promise<number> {
    checkSelection(which, "dead.redrive");
    checkOptions(options, known.redrive, "dead.redrive");
    const { rate, edit, toAllGroups = false } = options;
    if (rate !== undefined && !(Number.isFinite(rate) && rate > 0))
      throw new TypeError(`dead.redrive: rate is how many a second, more than 0, not ${shown(rate)}`);
    if (edit !== undefined && typeof edit !== "function")
      throw new TypeError(`dead.redrive: edit must be a function, not ${shown(edit)}`);
    checkDropOptions(options, "dead.redrive");
    if (!(await this.#isThere())) return this.#none(which);
    const channel = await this.#originChannel();
    const group = this.#origin.group === "" || toAllGroups ? undefined : this.#origin.group;
    const to = { payload: this.#parts.payload, messageBytesMax: this.#driver.messageBytesMax };
    const sendsFor: SendsFor = async (stored) => {
      const message = redrivenOf(stored, { group, atMs: this.#parts.clock.nowMs() });
      if (edit === undefined) return [{ channel, message }];
      const change = await edit(viewOf(stored, this.#reading));
      return [{ channel, message: await edited(message, change ?? undefined, to) }];
    };
    return this.#remove(which, { sendsFor, rate, options });
  }

  async drop(which: DeadSelection, options: DropOptions = {}): Promise<number> {
    checkSelection(which, "dead.drop");
    checkOptions(options, known.drop, "dead.drop");
    checkDropOptions(options, "dead.drop");
    if (!(await this.#isThere())) return this.#none(which);
    return this.#remove(which, { sendsFor: () => [], rate: undefined, options });
  }

  /** Where redriven messages go, with the settings it has now. */
  async #originChannel(): Promise<DeclaredChannel> {
    return this.#driver.declare(await describeStored(this.#driver.admin, this.#origin.channel));
  }

  async #remove(which: DeadSelection, how: Pick<RemovalParts, "sendsFor" | "rate" | "options">): Promise<number> {
    const { clock } = this.#parts;
    const removal = new DeadLetterRemoval({ admin: this.#driver.admin, clock, name: this.name, ...how });
    if (!("ids" in which)) {
      const matches: Matches = matcherOf(which, "dead");
      return removal.matching((stored) => isFrom(stored, this.#origin) && matches(stored), which.limit ?? Infinity);
    }
    // An id that is not there ends it before anything has changed.
    return removal.each(await this.#find(which.ids));
  }

  /** Where nothing has died, there is nothing to do, but an id that somebody names is not there. */
  async #none(which: DeadSelection): Promise<number> {
    return "ids" in which ? (await this.#find(which.ids)).length : 0;
  }

  /** All of them, each once, in one pass. */
  async #find(ids: readonly string[]): Promise<PeekedMessage[]> {
    const missing = new Set(ids);
    const found: PeekedMessage[] = [];
    for await (const page of this.#pages(undefined)) {
      for (const stored of page) if (missing.delete(stored.id)) found.push(stored);
      if (missing.size === 0) return found;
    }
    const [first] = missing;
    if (first === undefined) return found;
    throw new MillraceError(
      "MESSAGE_UNKNOWN",
      `there is no dead letter "${first}" in "${this.name}"; dead.list() shows what there is`,
    );
  }

  async *#pages(after: string | undefined): AsyncGenerator<readonly PeekedMessage[], void, undefined> {
    if (!(await this.#isThere())) return;
    for (let last = after; ;) {
      const page = await this.#driver.admin.peek(this.name, { group: "", limit: pageMessages, after: last });
      yield page.filter((stored) => isFrom(stored, this.#origin));
      if (page.length < pageMessages) return;
      last = page.at(-1)?.id;
    }
  }

  /**
   * False when no message of the channel has died yet. Rejects with CHANNEL_UNKNOWN when there is no such channel, and
   * with TypeError when it cannot have such a group: "none" would be a wrong answer.
   */
  async #isThere(): Promise<boolean> {
    this.#parts.requireOpen();
    const { admin } = this.#driver;
    const { kind, name } = await describeStored(admin, this.#origin.channel);
    if (kind === "queue" && this.#origin.group !== "")
      throw new TypeError(`dead: queue "${name}" has one group, so leave group out`);
    if (kind !== "queue" && this.#origin.group === "")
      throw new TypeError(
        `dead: each group of ${kind} "${name}" has dead letters of its own; say which: { group: "…" }`,
      );
    return (await admin.describe(this.name)) !== undefined;
  }
}

function checkSelection(which: unknown, what: string): asserts which is DeadSelection {
  checkOptions(which, known.select, what);
  const { ids, all, limit, ...filter } = which as { readonly [name in "ids" | "all" | "limit"]?: unknown };
  if ((ids === undefined) === (all !== true)) {
    throw new TypeError(`${what}: say which: { ids: [...] }, or { all: true } with a filter or limit if you like`);
  }
  if (ids !== undefined && !(Array.isArray(ids) && ids.every((id) => typeof id === "string"))) {
    throw new TypeError(`${what}: ids must be an array of strings, not ${shown(ids)}`);
  }
  matcherOf(filter, what);
  if (limit !== undefined) checkInteger(limit, `${what}: limit`, bounds.count);
}

function checkDropOptions({ dryRun, onProgress, signal }: DropOptions, what: string): void {
  if (dryRun !== undefined && typeof dryRun !== "boolean")
    throw new TypeError(`${what}: dryRun must be true or false, not ${shown(dryRun)}`);
  if (onProgress !== undefined && typeof onProgress !== "function")
    throw new TypeError(`${what}: onProgress must be a function, not ${shown(onProgress)}`);
  if (signal !== undefined) checkSignal(signal, what);
}

import { MillraceError } from "../base/errors.js";
import type { DeclaredChannel, Driver, PeekedMessage, StagedMessage } from "../driver.js";
import { checkInteger, checkOneOf, checkOptions, shown } from "./checks.js";
import { isFrom, reasonOf, redrivenOf, viewOf } from "./dead-letter-view.js";
import type { Origin } from "./dead-letter-view.js";
import type {
  DeadLetter,
  DeadLetters,
  DeadListOptions,
  DeadReason,
  DeadSelection,
  RedriveOptions,
} from "./dead-letters.js";
import { bounds, defaults } from "./defaults.js";
import { describeStored } from "./describe-stored.js";
import { deadLetterName } from "./names.js";
import type { Reading } from "./reading.js";

const reasons: readonly DeadReason[] = ["attempts", "rejected", "expired", "unreadable", "schema"];
const known = {
  list: new Set(["limit", "after", "reason"]),
  select: new Set(["ids", "all", "reason", "limit"]),
  redrive: new Set(["toAllGroups", "onProgress"]),
  drop: new Set(["onProgress"]),
};

/** Messages looked at in one go. */
const pageMessages = 500;

/** A commit is closed after so many messages, or bytes of payload. */
const commitMessages = 50;
const commitBytes = 1024 * 1024;

/** What goes out with the removal of a dead letter. */
type SendsFor = (stored: PeekedMessage) => StagedMessage[];

type SelectAll = Exclude<DeadSelection, { readonly ids: readonly string[] }>;

export interface StoredDeadLettersParts<T> {
  readonly origin: Origin;
  readonly reading: Reading<T>;
  /** Throws when their Millrace is closed. */
  readonly requireOpen: () => void;
}

/** Dead letters as they lie in their queue. Everything goes through `peek` and `remove`, so it works beside running consumers. */
export class StoredDeadLetters<T> implements DeadLetters<T> {
  readonly name: string;
  readonly #driver: Driver;
  readonly #origin: Origin;
  readonly #reading: Reading<T>;
  readonly #requireOpen: () => void;

  constructor(driver: Driver, of: StoredDeadLettersParts<T>) {
    this.name = deadLetterName(of.origin.channel, of.origin.group);
    this.#driver = driver;
    this.#origin = of.origin;
    this.#reading = of.reading;
    this.#requireOpen = of.requireOpen;
  }

  async list(options: DeadListOptions = {}): Promise<readonly DeadLetter<T>[]> {
    checkOptions(options, known.list, "dead.list");
    const { limit = defaults.peekLimit, after, reason } = options;
    checkInteger(limit, "dead.list: limit", bounds.count);
    if (reason !== undefined) checkOneOf(reason, reasons, "dead.list: reason");
    const letters: DeadLetter<T>[] = [];
    for await (const page of this.#pages(after)) {
      for (const stored of page) {
        if (this.#isSelected(stored, reason)) letters.push(viewOf(stored, this.#reading));
        if (letters.length === limit) return letters;
      }
    }
    return letters;
  }

  async show(id: string): Promise<DeadLetter<T>> {
    return viewOf(await this.#find(id), this.#reading);
  }

  async redrive(which: DeadSelection, options: RedriveOptions = {}): Promise<number> {
    checkSelection(which, "dead.redrive");
    checkOptions(options, known.redrive, "dead.redrive");
    await this.#isThere();
    const channel = await this.#originChannel(options.toAllGroups === true);
    const sendsFor: SendsFor = (stored) => [{ channel, message: redrivenOf(stored, this.#origin) }];
    return this.#remove(which, sendsFor, options.onProgress);
  }

  async drop(which: DeadSelection, options: Pick<RedriveOptions, "onProgress"> = {}): Promise<number> {
    checkSelection(which, "dead.drop");
    checkOptions(options, known.drop, "dead.drop");
    return this.#remove(which, () => [], options.onProgress);
  }

  /** Where redriven messages go, with the settings it has now. */
  async #originChannel(toAllGroups: boolean): Promise<DeclaredChannel> {
    const spec = await describeStored(this.#driver.admin, this.#origin.channel);
    if (spec.kind === "queue" || toAllGroups) return this.#driver.declare(spec);
    throw new MillraceError(
      "NOT_SUPPORTED",
      `${spec.kind} "${spec.name}": a dead letter of group "${this.#origin.group}" can only be sent again to all groups; ` +
        "if they can bear to see it twice, say { toAllGroups: true }",
    );
  }

  async #remove(which: DeadSelection, sendsFor: SendsFor, onProgress: RedriveOptions["onProgress"]): Promise<number> {
    let done = 0;
    const tell = (removed: number): void => {
      done += removed;
      onProgress?.({ done });
    };
    if ("ids" in which) {
      const found: PeekedMessage[] = [];
      // An id that is not there ends it before anything has changed.
      for (const id of new Set(which.ids)) found.push(await this.#find(id));
      for (const batch of commitsOf(found)) tell((await this.#removeBatch(batch, sendsFor)).length);
    } else {
      await this.#removeAll(which, sendsFor, tell);
    }
    return done;
  }

  /** Not more than there were at the beginning: what a redriven message leaves here when it fails again is for another time. */
  async #removeAll(which: SelectAll, sendsFor: SendsFor, tell: (removed: number) => void): Promise<void> {
    const { admin } = this.#driver;
    let unseen = (await this.#isThere()) ? (await admin.stats(this.name)).messages : 0;
    let wanted = which.limit ?? Infinity;
    // The last one that stayed: those behind it can be looked at from there, also when what came in between is gone.
    let after: string | undefined;
    while (unseen > 0 && wanted > 0) {
      const page = await admin.peek(this.name, { group: "", limit: Math.min(unseen, commitMessages), after });
      if (page.length === 0) return;
      unseen -= page.length;
      const selected = page.filter((stored) => this.#isSelected(stored, which.reason)).slice(0, wanted);
      const removed = new Set<string>();
      for (const batch of commitsOf(selected)) {
        const ids = await this.#removeBatch(batch, sendsFor);
        for (const id of ids) removed.add(id);
        tell(ids.length);
      }
      wanted -= removed.size;
      after = page.findLast((stored) => !removed.has(stored.id))?.id ?? after;
    }
  }

  #removeBatch(batch: readonly PeekedMessage[], sendsFor: SendsFor): Promise<readonly string[]> {
    const removals = batch.map((stored) => ({ id: stored.id, sends: sendsFor(stored) }));
    return this.#driver.admin.remove(this.name, removals);
  }

  #isSelected(stored: PeekedMessage, reason: DeadReason | undefined): boolean {
    return isFrom(stored, this.#origin) && (reason === undefined || reasonOf(stored) === reason);
  }

  async #find(id: string): Promise<PeekedMessage> {
    if (typeof id !== "string") throw new TypeError(`dead: an id is a string, not ${shown(id)}`);
    for await (const page of this.#pages(undefined)) {
      const found = page.find((stored) => stored.id === id);
      if (found !== undefined) return found;
    }
    throw new MillraceError(
      "MESSAGE_UNKNOWN",
      `there is no dead letter "${id}" in "${this.name}"; dead.list() shows what there is`,
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
    this.#requireOpen();
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

/** In the portions of one commit. */
function* commitsOf(all: readonly PeekedMessage[]): Generator<readonly PeekedMessage[], void, undefined> {
  let batch: PeekedMessage[] = [];
  let bytes = 0;
  for (const stored of all) {
    batch.push(stored);
    bytes += stored.value.length;
    if (batch.length < commitMessages && bytes < commitBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function checkSelection(which: unknown, what: string): asserts which is DeadSelection {
  checkOptions(which, known.select, what);
  const { ids, all, reason, limit } = which as { readonly [name in "ids" | "all" | "reason" | "limit"]?: unknown };
  if ((ids === undefined) === (all !== true)) {
    throw new TypeError(`${what}: say which: { ids: [...] }, or { all: true } with reason or limit if you like`);
  }
  if (ids !== undefined && !(Array.isArray(ids) && ids.every((id) => typeof id === "string"))) {
    throw new TypeError(`${what}: ids must be an array of strings, not ${shown(ids)}`);
  }
  if (reason !== undefined) checkOneOf(reason, reasons, `${what}: reason`);
  if (limit !== undefined) checkInteger(limit, `${what}: limit`, bounds.count);
}

import type { Clock } from "../../src/base/clock.js";
import type {
  Claim,
  ConsumeOptions,
  DoneMark,
  DriverSettlement,
  IncomingDelivery,
  Source,
  StagedMessage,
} from "../../src/driver.js";
import type { FakeRecord } from "./fake-driver.js";

export interface Entry {
  readonly record: FakeRecord;
  state: "ready" | "leased" | "delayed" | "settled";
  attempts: number;
  untilMs: number;
  firstFailedAtMs: number | undefined;
  holder: FakeSource | undefined;
  /** Of the lease it is under now. */
  delivery: IncomingDelivery | undefined;
}

/** One group's work on a channel. Of a stream, each partition is handed out in order, and a retry takes it back to itself. */
export class FakeGroup {
  readonly entries: Entry[] = [];
  readonly sources: FakeSource[] = [];
  readonly done = new Set<string>();
  readonly claims = new Map<string, IncomingDelivery>();
  readonly clock: Clock;
  readonly ordered: boolean;
  readonly publish: (sends: readonly StagedMessage[]) => void;

  constructor(parts: { clock: Clock; ordered: boolean; publish: (sends: readonly StagedMessage[]) => void }) {
    this.clock = parts.clock;
    this.ordered = parts.ordered;
    this.publish = parts.publish;
  }

  add(record: FakeRecord): void {
    const entry: Entry = {
      record,
      state: "ready",
      attempts: 0,
      untilMs: 0,
      firstFailedAtMs: undefined,
      holder: undefined,
      delivery: undefined,
    };
    this.entries.push(entry);
    this.serve();
  }

  get unsettled(): Entry[] {
    return this.entries.filter((entry) => entry.state !== "settled");
  }

  serve(): void {
    for (const source of this.sources) source.serve();
  }

  next(source: FakeSource, max: number): Entry[] {
    const found: Entry[] = [];
    const shut = new Set<number>();
    for (const entry of this.entries) {
      const { partition } = entry.record;
      if (entry.state === "settled" || (this.ordered && (shut.has(partition) || this.#owner(partition) !== source)))
        continue;
      if (entry.state === "delayed" && entry.untilMs <= this.clock.monotonicMs()) entry.state = "ready";
      if (entry.state === "ready" && found.length < max) found.push(entry);
      else if (entry.state === "delayed") shut.add(partition);
    }
    return found;
  }

  /** A stream's partition goes back to this entry: what is leased behind it is lost. */
  rewind(entry: Entry): void {
    if (!this.ordered) return;
    const behind = this.entries.filter(
      (each) =>
        each.state === "leased" &&
        each.record.partition === entry.record.partition &&
        each.record.offset > entry.record.offset,
    );
    const lost = behind.map((each) => each.delivery as IncomingDelivery);
    for (const each of behind) {
      each.state = "ready";
      each.attempts -= 1;
      each.delivery = undefined;
    }
    if (lost.length > 0) behind[0]?.holder?.options.onLost(lost);
  }

  /** The lease ended by itself: an attempt is counted. */
  expire(entry: Entry): void {
    const { delivery, holder } = entry;
    entry.state = "ready";
    entry.firstFailedAtMs ??= this.clock.nowMs();
    entry.delivery = undefined;
    if (delivery !== undefined) holder?.options.onLost([delivery]);
    this.rewind(entry);
    this.serve();
  }

  #owner(partition: number): FakeSource | undefined {
    const open = this.sources.filter((source) => !source.stopped);
    return open[partition % Math.max(1, open.length)];
  }
}

export class FakeSource implements Source {
  readonly options: ConsumeOptions;
  readonly group: FakeGroup;
  /** Every settlement, in the order of the calls. */
  readonly settlements: { readonly id: string; readonly settlement: DriverSettlement; readonly taken: boolean }[] = [];
  readonly extensions: (readonly string[])[] = [];
  readonly takes: number[] = [];
  stopped = false;
  flushes = 0;
  /** Makes the next, or the waiting, `take` reject. */
  failure: Error | undefined;
  settleFailure: Error | undefined;
  /** Only of settlements that send something. */
  sendsFailure: Error | undefined;
  /** Hands out nothing, and says nothing: the broker has forgotten us. */
  forgotten = false;
  /** Answers nothing at all any more: no take, no close. */
  deaf = false;
  extendFailure: Error | undefined;
  flushFailure: Error | undefined;
  #waiting: { max: number; resolve: (found: IncomingDelivery[]) => void; reject: (error: Error) => void } | undefined;

  constructor(group: FakeGroup, options: ConsumeOptions) {
    this.group = group;
    this.options = options;
    group.sources.push(this);
  }

  take(max: number): Promise<readonly IncomingDelivery[]> {
    if (this.#waiting !== undefined) throw new Error("one take at a time");
    this.takes.push(max);
    return new Promise((resolve, reject) => {
      this.#waiting = { max, resolve, reject };
      this.serve();
    });
  }

  fail(error: Error): void {
    this.failure = error;
    this.serve();
  }

  serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.deaf || (this.forgotten && !this.stopped)) return;
    const entries = this.stopped || this.failure !== undefined ? [] : this.group.next(this, waiting.max);
    if (entries.length === 0 && !this.stopped && this.failure === undefined) return;
    this.#waiting = undefined;
    if (this.failure === undefined) waiting.resolve(entries.map((entry) => this.#lease(entry)));
    else waiting.reject(this.failure);
    this.failure = undefined;
  }

  settle(delivery: IncomingDelivery, settlement: DriverSettlement): boolean {
    const sends = settlement.kind === "done" ? settlement.sends : [];
    const failure = sends.length > 0 ? (this.sendsFailure ?? this.settleFailure) : this.settleFailure;
    if (failure !== undefined) throw failure;
    const entry = this.#entryOf(delivery);
    this.settlements.push({ id: delivery.id, settlement, taken: entry !== undefined });
    if (entry === undefined) return false;
    entry.delivery = undefined;
    if (settlement.kind !== "done") {
      this.#giveBack(entry, settlement.kind === "retry" ? settlement : { delayMs: 0, counts: false });
      return true;
    }
    entry.state = "settled";
    if (settlement.mark !== undefined) this.group.done.add(settlement.mark.key);
    this.group.publish(sends);
    return true;
  }

  claim(delivery: IncomingDelivery, { key }: DoneMark): Claim {
    if (this.group.done.has(key)) return "done";
    const holder = this.group.claims.get(key);
    const isHeld = holder !== undefined && this.group.entries.some((entry) => entry.delivery === holder);
    if (isHeld && holder !== delivery) return "taken";
    this.group.claims.set(key, delivery);
    return "free";
  }

  #giveBack(entry: Entry, { delayMs, counts }: { readonly delayMs: number; readonly counts: boolean }): void {
    if (counts) entry.firstFailedAtMs ??= this.group.clock.nowMs();
    else entry.attempts -= 1;
    entry.state = delayMs > 0 ? "delayed" : "ready";
    entry.untilMs = this.group.clock.monotonicMs() + delayMs;
    this.group.rewind(entry);
    if (delayMs > 0) this.group.clock.after(delayMs, () => this.group.serve());
    else this.group.serve();
  }

  extend(deliveries: readonly IncomingDelivery[], leaseMs: number): void {
    if (this.extendFailure !== undefined) throw this.extendFailure;
    this.extensions.push(deliveries.map((delivery) => delivery.id));
    for (const delivery of deliveries) {
      const entry = this.#entryOf(delivery);
      if (entry !== undefined) this.#leaseFor(entry, leaseMs);
    }
  }

  async flush(): Promise<void> {
    this.flushes += 1;
    if (this.flushFailure !== undefined) throw this.flushFailure;
  }

  stop(): void {
    this.stopped = true;
    this.serve();
    this.group.serve();
  }

  async close(): Promise<void> {
    this.stop();
    if (this.deaf) await new Promise(() => {});
    this.group.sources.splice(this.group.sources.indexOf(this), 1);
    for (const entry of this.group.entries) {
      if (entry.holder !== this || entry.state !== "leased") continue;
      entry.state = "ready";
      entry.attempts -= 1;
      entry.delivery = undefined;
    }
    this.group.serve();
  }

  #entryOf(delivery: IncomingDelivery): Entry | undefined {
    return this.group.entries.find((entry) => entry.state === "leased" && entry.delivery === delivery);
  }

  #lease(entry: Entry): IncomingDelivery {
    entry.state = "leased";
    entry.attempts += 1;
    entry.holder = this;
    entry.delivery = {
      ...entry.record.incoming,
      attempt: entry.attempts,
      firstFailedAtMs: entry.firstFailedAtMs,
      replay: false,
    };
    this.#leaseFor(entry, this.options.leaseMs);
    return entry.delivery;
  }

  #leaseFor(entry: Entry, leaseMs: number): void {
    const { clock } = this.group;
    const { delivery } = entry;
    entry.untilMs = clock.monotonicMs() + leaseMs;
    clock.after(leaseMs, () => {
      if (entry.delivery === delivery && delivery !== undefined && entry.untilMs <= clock.monotonicMs())
        this.group.expire(entry);
    });
  }
}

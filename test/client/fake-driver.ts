import type { Clock } from "../../src/base/clock.js";
import { MillraceError } from "../../src/base/errors.js";
import type {
  Ability,
  ChannelInfo,
  ChannelSpec,
  ChannelStats,
  ConsumeOptions,
  DeclaredChannel,
  Driver,
  DriverAdmin,
  DriverReadOptions,
  GroupInfo,
  IncomingMessage,
  MessageExplanation,
  OutgoingMessage,
  PartitionLag,
  PeekedMessage,
  PeekOptions,
  PublishOptions,
  Receipt,
  Source,
  StagedMessage,
  Supports,
} from "../../src/driver.js";
import { FakeGroup, FakeSource } from "./fake-group.js";

export interface FakeRecord {
  readonly partition: number;
  readonly offset: number;
  readonly incoming: IncomingMessage;
}

const native: Ability = { level: "native" };
const refused: Ability = { level: "refused", note: "use a driver that can" };

const supports: Supports = {
  queue: native,
  stream: native,
  topic: native,
  ephemeral: native,
  delay: refused,
  priority: refused,
  perKeyOrder: refused,
  dedup: refused,
  transactions: native,
  replay: native,
  groups: native,
  settleEach: refused,
  peek: native,
  extendLease: native,
  capacity: native,
  expires: refused,
  compact: refused,
  once: native,
};

/** A small, faithful broker in memory: everything `driver.ts` promises, on a test's clock, with every call on record. */
export class FakeDriver implements Driver {
  readonly name = "fake";
  readonly supports: Supports;
  readonly messageBytesMax: number;
  readonly clock: Clock;
  readonly channels = new Map<string, FakeChannel>();
  readonly declared: ChannelSpec[] = [];
  readonly admin: DriverAdmin;
  closed = false;
  declareFailure: Error | undefined;

  constructor(clock: Clock, options: { supports?: Partial<Supports>; messageBytesMax?: number } = {}) {
    this.clock = clock;
    this.supports = { ...supports, ...options.supports };
    this.messageBytesMax = options.messageBytesMax ?? 100_000;
    this.admin = new FakeAdmin(this);
  }

  async declare(spec: ChannelSpec): Promise<FakeChannel> {
    if (this.declareFailure !== undefined) throw this.declareFailure;
    this.declared.push(spec);
    const known = this.channels.get(spec.name);
    if (known !== undefined && known.spec.kind !== spec.kind)
      throw new MillraceError("CHANNEL_MISMATCH", `it is a ${known.spec.kind}`);
    const channel = known ?? new FakeChannel(this, spec);
    this.channels.set(spec.name, channel);
    return channel;
  }

  async commit(sends: readonly StagedMessage[]): Promise<Receipt[]> {
    return sends.map(({ channel, message }) => (channel as FakeChannel).append(message));
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** For tests: the channel, which must have been declared. */
  channel(name: string): FakeChannel {
    const channel = this.channels.get(name);
    if (channel === undefined) throw new Error(`no channel ${name} was declared`);
    return channel;
  }
}

export class FakeChannel implements DeclaredChannel {
  readonly spec: ChannelSpec;
  readonly records: FakeRecord[] = [];
  readonly groups = new Map<string, FakeGroup>();
  readonly publishes: (PublishOptions | undefined)[] = [];
  /** Resolved when a publish may go on: a broker that takes its time. */
  hold: Promise<void> | undefined;
  consumeFailure: Error | undefined;
  readonly #driver: FakeDriver;
  readonly #live = new Set<FakeGroup>();

  constructor(driver: FakeDriver, spec: ChannelSpec) {
    this.#driver = driver;
    this.spec = spec;
    if (spec.kind === "queue") this.group("");
  }

  async publish(message: OutgoingMessage, options?: PublishOptions): Promise<Receipt> {
    this.publishes.push(options);
    if (this.hold !== undefined) await this.hold;
    this.#refuseFull();
    return this.append(message);
  }

  async publishAll(messages: readonly OutgoingMessage[], options?: PublishOptions): Promise<Receipt[]> {
    this.publishes.push(options);
    if (this.hold !== undefined) await this.hold;
    this.#refuseFull();
    return messages.map((message) => this.append(message));
  }

  room(): Promise<void> | undefined {
    this.#refuseFull();
    return this.hold;
  }

  async consume(options: ConsumeOptions): Promise<Source> {
    if (this.consumeFailure !== undefined) throw this.consumeFailure;
    if (!this.spec.durable) {
      const group = this.#newGroup();
      this.#live.add(group);
      return new FakeSource(group, options);
    }
    return new FakeSource(this.group(options.group), options);
  }

  async *read(options: DriverReadOptions): AsyncGenerator<readonly IncomingMessage[], void, undefined> {
    const from = typeof options.from === "bigint" ? options.from : 0n;
    const found = this.records.filter(
      ({ partition, offset }) => (options.partition ?? partition) === partition && offset >= from,
    );
    for (let index = 0; index < found.length; index += 2) {
      if (options.signal?.aborted) return;
      yield found.slice(index, index + 2).map((record) => record.incoming);
    }
  }

  append(message: OutgoingMessage): Receipt {
    const partition =
      message.key === undefined
        ? this.records.length % this.spec.partitions
        : message.key.length % this.spec.partitions;
    const offset = this.records.filter((record) => record.partition === partition).length;
    const id = message.id ?? `${this.spec.name}/${partition}/${offset}`;
    const value =
      typeof message.value === "string" ? new TextEncoder().encode(message.value) : Uint8Array.from(message.value);
    const isStream = this.spec.kind === "stream";
    const incoming: IncomingMessage = {
      id,
      key: message.key,
      headers: { ...message.headers },
      hasHeaders: Object.keys(message.headers ?? {}).length > 0,
      value,
      sentAtMs: this.#driver.clock.nowMs(),
      partition: isStream ? partition : undefined,
      offset: isStream ? BigInt(offset) : undefined,
      unwrap: () => "the fake's own message",
    };
    const record = { partition, offset, incoming };
    this.records.push(record);
    for (const group of [...this.groups.values(), ...this.#live]) group.add(record);
    return { id, duplicate: false, dropped: false };
  }

  group(name: string): FakeGroup {
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const group = this.#newGroup();
    this.groups.set(name, group);
    for (const record of this.records) group.add(record);
    return group;
  }

  /** For tests: the source of the only consumer. */
  source(group = ""): FakeSource {
    const found = (this.spec.durable ? this.group(group) : [...this.#live][0])?.sources[0];
    if (found === undefined) throw new Error(`nobody consumes ${this.spec.name}`);
    return found;
  }

  /** For tests: what is stored, as text. */
  texts(): string[] {
    return this.records.map((record) => new TextDecoder().decode(record.incoming.value));
  }

  #newGroup(): FakeGroup {
    return new FakeGroup({
      clock: this.#driver.clock,
      ordered: this.spec.kind === "stream",
      publish: (sends) => {
        for (const { channel, message } of sends) (channel as FakeChannel).append(message);
      },
    });
  }

  #refuseFull(): void {
    const { whenFull, messages } = this.spec.capacity;
    const waiting = this.groups.get("")?.unsettled.length ?? 0;
    if (whenFull === "reject" && waiting >= messages)
      throw new MillraceError("QUEUE_FULL", `${this.spec.name} is full`);
  }
}

class FakeAdmin implements DriverAdmin {
  readonly #driver: FakeDriver;

  constructor(driver: FakeDriver) {
    this.#driver = driver;
  }

  async channels(): Promise<readonly ChannelInfo[]> {
    return [...this.#driver.channels.values()].map(({ spec }) => ({
      name: spec.name,
      kind: spec.kind,
      durable: spec.durable,
      partitions: spec.partitions,
    }));
  }

  async describe(channel: string): Promise<ChannelSpec | undefined> {
    return this.#driver.channels.get(channel)?.spec;
  }

  async stats(name: string): Promise<ChannelStats> {
    const { spec, records, groups } = this.#driver.channel(name);
    const unsettled = [...groups.values()].flatMap((group) => group.unsettled);
    const count = (state: string): number => unsettled.filter((entry) => entry.state === state).length;
    const { kind, durable, partitions } = spec;
    const messages = kind === "queue" ? unsettled.length : records.length;
    const counted = { ready: count("ready"), inFlight: count("leased"), delayed: count("delayed") };
    const settled = [...groups.values()].flatMap((group) => group.entries).length - unsettled.length;
    const consumers = [...groups.values()].flatMap((group) => group.sources).length;
    const zero = {
      parked: 0,
      bytes: 0,
      heldBytes: undefined,
      consumers,
      oldestMs: undefined,
      sent: records.length,
      settled,
      redelivered: 0,
      dropped: 0,
      duplicates: 0,
      ids: 0,
      idsForgotten: 0,
      damaged: 0,
    };
    return { name, kind, durable, partitions, messages, ...counted, ...zero };
  }

  async groups(name: string): Promise<readonly GroupInfo[]> {
    return [...this.#driver.channel(name).groups].map(([group, { sources }]) => ({
      name: group,
      members: sources.filter((source) => !source.stopped).length,
    }));
  }

  async lag(name: string, group: string): Promise<readonly PartitionLag[]> {
    const messages = this.#driver.channel(name).group(group).unsettled.length;
    return [{ partition: 0, committed: 0n, end: BigInt(messages), messages, ms: 0 }];
  }

  async rebalances(): Promise<readonly []> {
    return [];
  }

  async seek(): Promise<never> {
    throw new MillraceError("NOT_SUPPORTED", "nobody can be moved here");
  }

  async peek(name: string, options: PeekOptions): Promise<readonly PeekedMessage[]> {
    const { entries } = this.#driver.channel(name).group(options.group);
    const after = entries.findIndex((entry) => entry.record.incoming.id === options.after);
    const found = entries.slice(after + 1).filter((entry) => entry.state !== "settled");
    return found.slice(0, options.limit).map(({ record, state, attempts, untilMs }) => ({
      ...record.incoming,
      state: state === "settled" ? "ready" : state,
      attempts,
      untilMs: state === "ready" ? undefined : untilMs,
    }));
  }

  async explain(name: string, id: string): Promise<MessageExplanation | undefined> {
    const { groups, records } = this.#driver.channel(name);
    const message = records.find(({ incoming }) => incoming.id === id)?.incoming;
    if (message === undefined) return undefined;
    const standings = [...groups].flatMap(([group, { entries, sources }]) => {
      const entry = entries.find(({ record }) => record.incoming.id === id);
      if (entry === undefined) return [];
      const { state, attempts } = entry;
      const ahead = entries.slice(0, entries.indexOf(entry)).filter((each) => each.state !== "settled").length;
      const untilMs = state === "leased" || state === "delayed" ? entry.untilMs : undefined;
      const known = {
        settledByMs: undefined,
        holder: undefined,
        behind: undefined,
        limit: undefined,
        consumers: sources.length,
      };
      return [{ ...known, group, state, attempts, ahead, untilMs }];
    });
    return { message, standings };
  }

  async remove(
    name: string,
    messages: readonly { id: string; sends: readonly StagedMessage[] }[],
  ): Promise<readonly string[]> {
    const { entries } = this.#driver.channel(name).group("");
    const removed: string[] = [];
    for (const { id, sends } of messages) {
      const entry = entries.find(
        (each) => each.record.incoming.id === id && each.state !== "leased" && each.state !== "settled",
      );
      if (entry === undefined) continue;
      entry.state = "settled";
      await this.#driver.commit(sends);
      removed.push(id);
    }
    return removed;
  }
}

import type { Clock } from "../../base/clock.js";
import { hasCode } from "../../base/errors.js";
import type { ChannelInfo, ChannelStats, DriverAdmin, PartitionLag } from "../../driver.js";
import type { ConsumerState } from "../consumer.js";
import { deadEnding, deadLetterName } from "../names.js";
import type { CompleteRule } from "./alert-rule.js";

/** A consumer as an alert looks at it. */
export interface WatchedConsumer {
  readonly channel: string;
  readonly group: string;
  readonly state: ConsumerState;
}

/** What one thing that a rule watches is at. */
export interface Measured {
  readonly channel: string;
  /** "" of a channel as a whole. */
  readonly group: string;
  readonly value: number;
}

export interface MeasureParts {
  readonly admin: DriverAdmin;
  readonly clock: Clock;
  readonly consumers: () => Iterable<WatchedConsumer>;
}

/** Looking at many channels lets others have their turn after so many. */
const turnChannels = 50;

/** One look at everything that rules watch. What several of them ask for is asked once. */
export class Measurement {
  readonly #parts: MeasureParts;
  /** Dropped messages by channel, as of the look before and as of this one. */
  readonly #droppedBefore: ReadonlyMap<string, number> | undefined;
  readonly dropped = new Map<string, number>();
  readonly #stats = new Map<string, Promise<ChannelStats | undefined>>();
  #channels: Promise<readonly ChannelInfo[]> | undefined;

  /** @param droppedBefore undefined at the first look: what was dropped before it is not its concern */
  constructor(parts: MeasureParts, droppedBefore: ReadonlyMap<string, number> | undefined) {
    this.#parts = parts;
    this.#droppedBefore = droppedBefore;
  }

  async of(rule: CompleteRule): Promise<Measured[]> {
    if (rule.when === "stalled" || rule.when === "outage") return this.#consumers(rule);
    const found: Measured[] = [];
    let looked = 0;
    for (const channel of await this.#watched(rule)) {
      found.push(...(await this.#channel(rule, channel)));
      if (++looked % turnChannels === 0) await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
    }
    return found;
  }

  /** Each consumer by its channel and group: several of them are one thing to look after. */
  #consumers(rule: CompleteRule): Measured[] {
    const wanted: ConsumerState = rule.when === "stalled" ? "stalled" : "probing";
    const counts = new Map<string, Measured>();
    for (const { channel, group, state } of this.#parts.consumers()) {
      if (rule.channel !== "*" && rule.channel !== channel) continue;
      if (rule.group !== undefined && rule.group !== group) continue;
      const name = `${channel}/${group}`;
      const value = (counts.get(name)?.value ?? 0) + (state === wanted ? 1 : 0);
      counts.set(name, { channel, group, value });
    }
    return [...counts.values()];
  }

  /** Dead letters are watched by where they come from. */
  async #watched({ channel }: CompleteRule): Promise<readonly ChannelInfo[]> {
    this.#channels ??= this.#parts.admin.channels();
    const all = await this.#channels;
    return channel === "*"
      ? all.filter(({ name }) => !name.endsWith(deadEnding))
      : all.filter(({ name }) => name === channel);
  }

  async #channel(rule: CompleteRule, channel: ChannelInfo): Promise<Measured[]> {
    const { name, kind } = channel;
    const one = (value: number | undefined): Measured[] =>
      value === undefined ? [] : [{ channel: name, group: "", value }];
    if (rule.when === "drops") return one(await this.#drops(name));
    if (!channel.durable) return [];
    if (rule.when === "dead") return this.#dead(rule, channel);
    if (rule.when === "lag" || rule.when === "lag-time") return kind === "queue" ? [] : this.#lags(rule, channel);
    if (rule.when === "unattended") return this.#unattended(rule, channel);
    if (kind === "stream") return [];
    const stats = await this.#statsOf(name);
    if (stats === undefined) return [];
    return one(rule.when === "depth" ? stats.ready + stats.inFlight + stats.delayed : (stats.oldestMs ?? 0));
  }

  async #drops(name: string): Promise<number | undefined> {
    const stats = await this.#statsOf(name);
    if (stats === undefined) return undefined;
    this.dropped.set(name, stats.dropped);
    if (this.#droppedBefore === undefined) return 0;
    return Math.max(0, stats.dropped - (this.#droppedBefore.get(name) ?? 0));
  }

  async #dead(rule: CompleteRule, channel: ChannelInfo): Promise<Measured[]> {
    const found: Measured[] = [];
    const known = new Set((await (this.#channels ?? [])).map(({ name }) => name));
    for (const group of await this.#groups(rule, channel)) {
      const name = deadLetterName(channel.name, group);
      const messages = known.has(name) ? ((await this.#statsOf(name))?.messages ?? 0) : 0;
      found.push({ channel: channel.name, group, value: messages });
    }
    return found;
  }

  async #lags(rule: CompleteRule, channel: ChannelInfo): Promise<Measured[]> {
    const found: Measured[] = [];
    for (const group of await this.#groups(rule, channel)) {
      const lags = await this.#lagOf(channel.name, group);
      const value =
        rule.when === "lag"
          ? lags.reduce((sum, { messages }) => sum + messages, 0)
          : Math.max(0, ...lags.map(({ ms }) => ms));
      found.push({ channel: channel.name, group, value });
    }
    return found;
  }

  async #unattended(rule: CompleteRule, channel: ChannelInfo): Promise<Measured[]> {
    const { name, kind } = channel;
    const found: Measured[] = [];
    const members = new Map((await this.#parts.admin.groups(name)).map((group) => [group.name, group.members]));
    for (const group of await this.#groups(rule, channel)) {
      if ((members.get(group) ?? 0) > 0) found.push({ channel: name, group, value: 0 });
      else if (kind === "queue") found.push({ channel: name, group, value: (await this.#statsOf(name))?.ready ?? 0 });
      else {
        const lags = await this.#lagOf(name, group);
        found.push({ channel: name, group, value: lags.reduce((sum, { messages }) => sum + messages, 0) });
      }
    }
    return found;
  }

  async #groups(rule: CompleteRule, { name, kind }: ChannelInfo): Promise<readonly string[]> {
    if (kind === "queue") return rule.group === undefined ? [""] : [];
    const groups = (await this.#parts.admin.groups(name)).map((group) => group.name);
    return rule.group === undefined ? groups : groups.filter((group) => group === rule.group);
  }

  #statsOf(name: string): Promise<ChannelStats | undefined> {
    let stats = this.#stats.get(name);
    if (stats === undefined)
      this.#stats.set(name, (stats = this.#parts.admin.stats(name).catch(unlessGone(undefined))));
    return stats;
  }

  #lagOf(name: string, group: string): Promise<readonly PartitionLag[]> {
    return this.#parts.admin.lag(name, group).catch(unlessGone([]));
  }
}

/** A channel or group may have gone since it was listed. */
function unlessGone<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, "CHANNEL_UNKNOWN") || hasCode(error, "GROUP_UNKNOWN")) return instead;
    throw error;
  };
}

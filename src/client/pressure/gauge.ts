import type { Clock } from "../../base/clock.js";
import type { ChannelSpec, DriverAdmin } from "../../driver.js";
import { defaults } from "../defaults.js";
import { Drain } from "./drain.js";
import { levelOf, predictedWaitMs } from "./pressure.js";
import type { Pressure } from "./pressure.js";

type Counted = Pick<Pressure, "depth" | "bytes" | "oldestMs" | "level" | "inFlight" | "work" | "consumers"> & {
  readonly group: string;
  /** A number that goes up with every message done. */
  readonly settled: number;
};

/** Measures the pressure of channels, from what any driver tells of them. */
export class Gauge {
  readonly #clock: Clock;
  /** Of the channels and groups asked for last. */
  readonly #drains = new Map<string, Drain>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param group undefined for the one that is furthest behind */
  async measure(admin: DriverAdmin, spec: ChannelSpec, group: string | undefined): Promise<Pressure> {
    const hasGroups = spec.kind === "stream" || (spec.kind === "topic" && spec.durable);
    const counted = hasGroups ? await ofGroups(admin, spec, group) : await ofAll(admin, spec);
    const { group: measured, settled, ...figures } = counted;
    const drainPerSecond = this.#drain(`${spec.name}/${measured}`).perSecond(settled);
    return { ...figures, drainPerSecond, predictedWaitMs: predictedWaitMs(figures.work, drainPerSecond) };
  }

  #drain(name: string): Drain {
    const drain = this.#drains.get(name) ?? new Drain(this.#clock);
    // Put in anew, so that the first is the one that was asked for longest ago.
    this.#drains.delete(name);
    this.#drains.set(name, drain);
    if (this.#drains.size > defaults.pressure.channelsMax) {
      const [oldest] = this.#drains.keys();
      this.#drains.delete(oldest as string);
    }
    return drain;
  }
}

async function ofAll(admin: DriverAdmin, spec: ChannelSpec): Promise<Counted> {
  const stats = await admin.stats(spec.name);
  const { messages, inFlight, ready, oldestMs, consumers, settled } = stats;
  // A topic that is not durable has a bound for each subscriber.
  const bounds = spec.kind === "topic" ? Math.max(1, consumers) : 1;
  const held = { messages: messages / bounds, bytes: stats.heldBytes };
  return {
    group: "",
    depth: messages,
    bytes: stats.heldBytes ?? stats.bytes,
    oldestMs,
    level: levelOf(held, spec.capacity),
    inFlight,
    work: ready + inFlight,
    consumers,
    settled,
  };
}

async function ofGroups(admin: DriverAdmin, spec: ChannelSpec, asked: string | undefined): Promise<Counted> {
  const { bytes, inFlight } = await admin.stats(spec.name);
  const groups = await admin.groups(spec.name);
  const names = asked === undefined ? groups.map((each) => each.name) : [asked];
  const behind = await Promise.all(names.map(async (name) => ({ name, lags: await admin.lag(spec.name, name) })));
  const counted = behind.map(({ name, lags }) => ({
    group: name,
    depth: lags.reduce((sum, each) => sum + each.messages, 0),
    oldestMs: Math.max(0, ...lags.map((each) => each.ms)),
    settled: lags.reduce((sum, each) => sum + Number(each.end) - each.messages, 0),
    consumers: groups.find((each) => each.name === name)?.members ?? 0,
  }));
  const [furthest] = counted.toSorted((one, other) => other.depth - one.depth);
  const none = { group: "", depth: 0, oldestMs: 0, settled: 0, consumers: 0 };
  const found = furthest ?? none;
  return {
    ...found,
    bytes,
    oldestMs: found.depth === 0 ? undefined : found.oldestMs,
    level: "ok",
    inFlight: Math.min(inFlight, found.depth),
    work: found.depth,
  };
}

import { durationMs } from "../base/duration.js";
import { MillraceError } from "../base/errors.js";
import type { Driver, StartPosition, StreamReading, Supports } from "../driver.js";
import type { Channel, Policy } from "./channel.js";
import { checkInteger, checkOneOf, checkOptions, shown } from "./checks.js";
import type { Range } from "./concurrency/controller.js";
import { bounds, defaults } from "./defaults.js";
import type { BatchOptions, Guarantee, HandleOptions } from "./handler.js";
import { completeOnce } from "./once.js";
import type { Once } from "./once.js";
import { checkGroupName, checkName } from "./names.js";
import { checkRate } from "./rate/rate-limit.js";
import type { SharedRateLimit } from "./rate/rate-limit.js";
import { completeOutage } from "./outage-rule.js";
import type { OutageRule } from "./outage-rule.js";
import { checkRules } from "./retry-rule.js";
import type { RetryRule } from "./retry-rule.js";
import { requireAbility } from "./support.js";

/** What `handle` and `handleBatch` were asked for, with every default filled in. */
export interface Handling<T> {
  readonly channel: Channel<T>;
  readonly policy: Policy;
  /** "" where a channel has no groups. */
  readonly group: string;
  readonly guarantee: Guarantee;
  /** undefined: a message that comes again is handled again. */
  readonly once: Once<T> | undefined;
  /** At most. */
  readonly concurrency: number;
  /** How many handlers may run at once: from `min` to `max` as there is work; of a stream read by partitions never more than those. */
  readonly places: Range;
  readonly rules: readonly RetryRule[];
  readonly rate: SharedRateLimit<T> | undefined;
  /** undefined: outages are not looked for. */
  readonly outage: OutageRule | undefined;
  readonly from: StartPosition;
  readonly member: string | undefined;
  /** Of a stream. */
  readonly reading: StreamReading | undefined;
  /** Of a group of a stream: its messages have no order. */
  readonly settle: "each" | undefined;
  readonly timeoutMs: number;
  /** 1 for `handle`. */
  readonly size: number;
  readonly withinMs: number;
}

const handleOptions = [
  "group",
  "guarantee",
  "concurrency",
  "retry",
  "outage",
  "from",
  "member",
  "assignment",
  "onFailure",
  "settle",
  "rate",
  "timeout",
];
const known = {
  handle: new Set([...handleOptions, "once"]),
  handleBatch: new Set([...handleOptions, "size", "within"]),
};

type Call = keyof typeof known;

/** @throws TypeError for wrong arguments; MillraceError NOT_SUPPORTED for what the driver cannot do. */
export function completeHandling<T>(
  channel: Channel<T>,
  options: HandleOptions<T> & Partial<BatchOptions<T>>,
  to: { readonly call: Call; readonly driver: Driver },
): Handling<T> {
  const what = `${to.call} ${channel.kind} "${channel.name}"`;
  checkOptions(options, known[to.call], what);
  const { timeout = defaults.handlerTimeoutMs, within = defaults.batchWithinMs, size = 1, retry = [] } = options;
  const timeoutMs = durationMs(timeout, `${what}: timeout`);
  if (timeoutMs === 0) throw new TypeError(`${what}: timeout must be more than 0; leave it out for the default`);
  if (to.call === "handleBatch") checkInteger(options.size, `${what}: size`, bounds.batch);
  checkRules(retry, `${what}: retry`);
  const guarantee = completeGuarantee(channel, options.guarantee, { what, driver: to.driver });
  const settlesAhead = guarantee === "at-most-once";
  const places = completeConcurrency(options.concurrency, `${what}: concurrency`);
  const concurrency = places.max;
  const settle = completeSettle(channel, options, { what, driver: to.driver });
  const reading = settle === undefined ? completeReading(channel, { concurrency, size, options }, what) : undefined;
  return {
    channel,
    policy: channel.policy,
    group: completeGroup(channel, options.group, { what, driver: to.driver }),
    guarantee,
    once: completeOnce(options.once, { what: `${what}: once`, driver: to.driver, channel, settlesAhead }),
    concurrency,
    places: placesFor(channel, reading, places),
    rules: retry,
    rate: options.rate === undefined ? undefined : checkRate(options.rate, `${what}: rate`),
    // What is not kept cannot wait for better times.
    outage: channel.spec.durable ? completeOutage(options.outage, `${what}: outage`) : undefined,
    from: completeFrom(channel, options.from, what),
    member: completeMember(channel, options.member, what),
    reading,
    settle,
    timeoutMs,
    size,
    withinMs: durationMs(within, `${what}: within`),
  };
}

interface Asking {
  readonly what: string;
  readonly driver: Driver;
}

function completeGroup<T>(channel: Channel<T>, group: unknown, { what, driver }: Asking): string {
  if (channel.kind === "queue") {
    if (group === undefined) return "";
    throw new TypeError(
      `${what}: a queue has one group, so leave group out; for several groups that each get everything use a topic or a stream`,
    );
  }
  if (!channel.spec.durable) {
    if (group === undefined) return "";
    throw new TypeError(
      `${what}: every subscriber of a topic with { durable: false } gets every message, so leave group out`,
    );
  }
  if (group === undefined) {
    throw new TypeError(
      `${what}: say which group reads, e.g. { group: "audit" }: each group gets every message, its members share them`,
    );
  }
  checkGroupName(group, channel.name, what);
  const ability: keyof Supports = "groups";
  requireAbility(driver, ability, { channel, option: "group" });
  return group;
}

function completeGuarantee<T>(channel: Channel<T>, asked: unknown, { what, driver }: Asking): Guarantee {
  const guarantees = ["at-most-once", "at-least-once", "transactional"] as const;
  if (asked !== undefined) checkOneOf(asked, guarantees, `${what}: guarantee`);
  if (!channel.spec.durable) {
    if (asked === undefined || asked === "at-most-once") return "at-most-once";
    throw new TypeError(
      `${what}: a topic with { durable: false } keeps nothing, so its guarantee is "at-most-once"; declare it durable for "${asked}"`,
    );
  }
  if (asked === "at-most-once" && channel.spec.order === "per-key") {
    throw new TypeError(
      `${what}: guarantee "at-most-once" settles a message before its handler runs, so that the next one of its key would run beside it; with order "per-key" leave it out`,
    );
  }
  if (asked === "transactional")
    requireAbility(driver, "transactions", { channel, option: 'guarantee "transactional"' });
  return asked ?? "at-least-once";
}

function completeConcurrency(concurrency: unknown, what: string): Range {
  if (concurrency === undefined) return { min: defaults.concurrency, max: defaults.concurrency };
  if (typeof concurrency !== "object" || concurrency === null) {
    checkInteger(concurrency, what, bounds.concurrency);
    return { min: concurrency, max: concurrency };
  }
  checkOptions(concurrency, new Set(["min", "max"]), what);
  const { min, max } = concurrency as { readonly min?: unknown; readonly max?: unknown };
  checkInteger(min, `${what}.min`, bounds.concurrency);
  checkInteger(max, `${what}.max`, { min, max: bounds.concurrency.max });
  return { min, max };
}

/** Read by partitions, each of them has one call at a time: more places would stay empty. */
function placesFor<T>(channel: Channel<T>, reading: StreamReading | undefined, { min, max }: Range): Range {
  if (reading?.order !== "partition") return { min, max };
  const { partitions } = channel.spec;
  return { min: Math.min(min, partitions), max: Math.min(max, partitions) };
}

function completeFrom<T>(channel: Channel<T>, from: unknown, what: string): StartPosition {
  if (from === undefined) return channel.spec.durable ? "earliest" : "latest";
  if (channel.kind === "queue" || !channel.spec.durable) {
    throw new TypeError(`${what}: from says where a group of a stream or durable topic begins; leave it out here`);
  }
  checkPosition(from, `${what}: from`);
  return from;
}

/** @throws TypeError when `position` is none. */
export function checkPosition(position: unknown, what: string): asserts position is StartPosition {
  if (position === "earliest" || position === "latest") return;
  if (position instanceof Date && !Number.isNaN(position.getTime())) return;
  if (typeof position === "bigint" && position >= 0n) return;
  throw new TypeError(`${what} must be "earliest", "latest", a Date, or an offset such as 42n, not ${shown(position)}`);
}

function completeMember<T>(channel: Channel<T>, member: unknown, what: string): string | undefined {
  if (member === undefined) return undefined;
  if (channel.kind !== "stream") throw new TypeError(`${what}: member keeps partitions of a stream; leave it out here`);
  checkName(member, `${what}: member`);
  return member;
}

/** Calls with one message each can go side by side within a partition, in the order of each key; batches are of one partition, in its order. */
function completeReading<T>(
  channel: Channel<T>,
  asked: { readonly concurrency: number; readonly size: number; readonly options: HandleOptions<T> },
  what: string,
): StreamReading | undefined {
  const { concurrency, size, options } = asked;
  const { onFailure = "block", assignment = "cooperative-sticky" } = options;
  if (channel.kind !== "stream") {
    for (const option of ["onFailure", "assignment"] as const) {
      if (options[option] === undefined) continue;
      throw new TypeError(`${what}: ${option} is about the partitions of a stream; leave it out here`);
    }
    return undefined;
  }
  checkOneOf(onFailure, ["block", "park"] as const, `${what}: onFailure`);
  checkOneOf(assignment, ["cooperative-sticky", "range", "round-robin"] as const, `${what}: assignment`);
  return { order: concurrency > 1 && size === 1 ? "key" : "partition", onFailure, assignment };
}

function completeSettle<T>(
  channel: Channel<T>,
  options: HandleOptions<T>,
  { what, driver }: Asking,
): "each" | undefined {
  const { settle } = options;
  if (settle === undefined) return undefined;
  checkOneOf(settle, ["each"] as const, `${what}: settle`);
  if (channel.kind !== "stream") {
    throw new TypeError(
      `${what}: settle is for groups of a stream; here each message is settled by itself anyway, so leave it out`,
    );
  }
  for (const option of ["member", "onFailure", "assignment"] as const) {
    if (options[option] === undefined) continue;
    throw new TypeError(
      `${what}: with settle "each" all members share all partitions, in no order, so leave ${option} out`,
    );
  }
  requireAbility(driver, "settleEach", { channel, option: 'settle: "each"' });
  return settle;
}

/** What a consumer says of itself in logs and errors. */
export function describeHandling<T>(handling: Handling<T>): string {
  const { channel, group } = handling;
  return `consumer of ${channel.kind} "${channel.name}"${group === "" ? "" : `, group "${group}"`}`;
}

export function closedError<T>(handling: Handling<T>): MillraceError {
  return new MillraceError("CLOSED", `the ${describeHandling(handling)} is closing and its drain time is over`);
}

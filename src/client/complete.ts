import { durationMs } from "../base/duration.js";
import type { Duration } from "../base/duration.js";
import type { CapacitySpec, ChannelKind, ChannelSpec, Driver, WhenFull } from "../driver.js";
import type { Channel, Policy, Queue, Stream, Topic } from "./channel.js";
import type {
  Capacity,
  ChannelOptions,
  DeliveryPolicy,
  Expires,
  Priorities,
  QueueOptions,
  StreamOptions,
  TopicOptions,
} from "./channel-options.js";
import { checkBackoff } from "./backoff.js";
import { checkInteger, checkOneOf, checkOptions, shown } from "./checks.js";
import { checkCodec, json } from "./codec.js";
import type { Codec } from "./codec.js";
import { bounds, defaults } from "./defaults.js";
import { checkChannelName, deadLetterName } from "./names.js";
import { withTombstones } from "./tombstones.js";

const channelOptions = ["schema", "key", "id", "codec", "native"];
const policyOptions = ["attempts", "backoff", "lease", "deadLetter"] as const;
const known = {
  queue: new Set([...channelOptions, ...policyOptions, "capacity", "order", "priorities", "dedup", "expires"]),
  stream: new Set([...channelOptions, ...policyOptions, "partitions", "retention", "compact", "dedup"]),
  topic: new Set([...channelOptions, ...policyOptions, "durable", "buffer", "dedup"]),
  capacity: new Set(["messages", "bytes", "whenFull"]),
  priorities: new Set(["levels", "share"]),
  expires: new Set(["after", "whenExpired"]),
  retention: new Set(["time", "bytes"]),
  deadLetter: new Set(["keep", "alertAt"]),
};
const whenFull: readonly WhenFull[] = ["block", "reject", "drop-oldest", "drop-newest", "drop-random"];

/** What a channel is when nothing is said about it. */
const plain = {
  partitions: 1,
  durable: true,
  retention: { timeMs: Infinity, bytes: Infinity },
  capacity: { messages: Infinity, bytes: Infinity, whenFull: "block" },
  order: "none",
  priorities: defaults.priorities,
  dedupMs: undefined,
  expiresMs: undefined,
  compact: false,
} as const;

export function completeQueue<T>(name: string, options: QueueOptions<T>): Queue<T> {
  const what = check("queue", name, options);
  const { order = "none", priorities = defaults.priorities, dedup = defaults.dedupMs, expires } = options;
  checkOneOf(order, ["none", "per-key"], `${what}: order`);
  const { levels, share } = completePriorities(priorities, `${what}: priorities`);
  if (order === "per-key" && levels > 1) {
    throw new TypeError(
      `${what}: order "per-key" and priorities contradict each other: a key's messages go out in the order they were sent, whatever their priority. Leave one of them out`,
    );
  }
  const spec: ChannelSpec = {
    ...plain,
    kind: "queue",
    name,
    capacity: completeCapacity(options.capacity, defaults.queue, `${what}: capacity`),
    order,
    priorities: levels,
    ...(share > 0 ? { priorityShare: share } : {}),
    dedupMs: windowMs(dedup, what),
    ...completeExpires(expires, `${what}: expires`),
    native: options.native,
  };
  return finish({ kind: "queue", spec, policy: completePolicy(options, what) }, options);
}

export function completeStream<T>(name: string, options: StreamOptions<T>): Stream<T> {
  const what = check("stream", name, options);
  const { partitions = defaults.partitions, retention = {}, compact = false } = options;
  checkInteger(partitions, `${what}: partitions`, bounds.partitions);
  checkOptions(retention, known.retention, `${what}: retention`);
  if (typeof compact !== "boolean")
    throw new TypeError(`${what}: compact must be true or false, not ${shown(compact)}`);
  const spec: ChannelSpec = {
    ...plain,
    kind: "stream",
    name,
    partitions,
    retention: {
      // What is kept for its key is kept, however old it is, unless something else is said.
      timeMs: positiveMs(retention.time, `${what}: retention.time`) ?? (compact ? Infinity : defaults.retentionMs),
      bytes: bound(retention.bytes, defaults.retentionBytes, `${what}: retention.bytes`),
    },
    dedupMs: windowMs(options.dedup, what),
    compact,
    native: options.native,
  };
  const policy = completePolicy(options, what);
  return finish({ kind: "stream", spec, policy }, compact ? withTombstones(options) : options);
}

export function completeTopic<T>(name: string, options: TopicOptions<T>): Topic<T> {
  const what = check("topic", name, options);
  const { durable = true } = options;
  if (typeof durable !== "boolean")
    throw new TypeError(`${what}: durable must be true or false, not ${shown(durable)}`);
  if (durable && options.buffer !== undefined) {
    throw new TypeError(
      `${what}: buffer is for { durable: false }; a durable topic keeps what its groups have not settled`,
    );
  }
  const wrong = durable ? undefined : policyOptions.find((option) => options[option] !== undefined);
  if (wrong !== undefined) {
    throw new TypeError(
      `${what}: ${wrong} is for durable topics; with { durable: false } a message is delivered once and not kept`,
    );
  }
  if (!durable && options.dedup !== undefined) {
    throw new TypeError(
      `${what}: dedup is for durable topics; with { durable: false } nothing is kept to compare with`,
    );
  }
  const spec: ChannelSpec = {
    ...plain,
    kind: "topic",
    name,
    durable,
    retention: durable ? { timeMs: defaults.retentionMs, bytes: defaults.retentionBytes } : plain.retention,
    dedupMs: windowMs(options.dedup, what),
    capacity: durable ? plain.capacity : completeCapacity(options.buffer, defaults.buffer, `${what}: buffer`),
    native: options.native,
  };
  return finish({ kind: "topic", spec, policy: completePolicy(options, what) }, options);
}

/** 0: none. */
function windowMs(dedup: Duration | undefined, what: string): number | undefined {
  const ms = dedup === undefined ? 0 : durationMs(dedup, `${what}: dedup`);
  return ms === 0 ? undefined : ms;
}

/** Returns how to call the channel in messages. */
function check<T>(kind: ChannelKind, name: unknown, options: ChannelOptions<T>): string {
  checkChannelName(name, kind);
  const what = `${kind} "${name}"`;
  checkOptions(options, known[kind], what);
  const { schema, key, id, codec } = options;
  if (schema !== undefined && typeof schema?.["~standard"]?.validate !== "function") {
    throw new TypeError(`${what}: schema must be a Standard Schema, such as one of zod, valibot or arktype`);
  }
  if (codec !== undefined) checkCodec(codec, `${what}: codec`);
  for (const [option, value] of Object.entries({ key, id })) {
    if (value !== undefined && typeof value !== "function")
      throw new TypeError(`${what}: ${option} must be a function, not ${shown(value)}`);
  }
  return what;
}

function finish<T, K extends ChannelKind>(
  known: { readonly kind: K; readonly spec: ChannelSpec; readonly policy: Policy },
  options: ChannelOptions<T>,
): Channel<T> & { readonly kind: K } {
  const { schema, key, id, codec = json as Codec<T> } = options;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const asked = new Set(given.map(([name]) => name));
  return Object.freeze({ ...known, name: known.spec.name, codec, schema, key, id, asked });
}

function completePolicy(options: DeliveryPolicy, what: string): Policy {
  const {
    attempts = defaults.attempts,
    backoff = defaults.backoff,
    lease = defaults.leaseMs,
    deadLetter = {},
  } = options;
  checkInteger(attempts, `${what}: attempts`, bounds.attempts);
  checkBackoff(backoff, `${what}: backoff`);
  const leaseMs = durationMs(lease, `${what}: lease`);
  const { min, max } = bounds.leaseMs;
  if (leaseMs < min || leaseMs > max)
    throw new TypeError(`${what}: lease must be from "1s" to "12h", not ${shown(lease)}`);
  checkOptions(deadLetter, known.deadLetter, `${what}: deadLetter`);
  const { keep, alertAt = defaults.alertAt } = deadLetter;
  checkInteger(alertAt, `${what}: deadLetter.alertAt`, bounds.count);
  return { attempts, backoff, leaseMs, deadLetter: { keepMs: positiveMs(keep, `${what}: deadLetter.keep`), alertAt } };
}

function completeExpires(
  expires: Duration | Expires | undefined,
  what: string,
): Pick<ChannelSpec, "expiresMs" | "whenExpired"> {
  const isSplit = typeof expires === "object" && expires !== null && ("after" in expires || "whenExpired" in expires);
  if (!isSplit) return { expiresMs: positiveMs(expires as Duration | undefined, what) };
  checkOptions(expires, known.expires, what);
  const { after, whenExpired = "dead-letter" } = expires;
  checkOneOf(whenExpired, ["dead-letter", "drop"], `${what}.whenExpired`);
  return { expiresMs: positiveMs(after, `${what}.after`), whenExpired };
}

function completePriorities(priorities: number | Priorities, what: string): { levels: number; share: number } {
  if (typeof priorities !== "object" || priorities === null || !("levels" in priorities)) {
    checkInteger(priorities, what, bounds.priorities);
    return { levels: priorities, share: 0 };
  }
  checkOptions(priorities, known.priorities, what);
  const { levels, share = 0 } = priorities;
  checkInteger(levels, `${what}.levels`, bounds.priorities);
  const { min, max } = bounds.priorityShare;
  if (typeof share !== "number" || !(share >= min && share <= max)) {
    throw new TypeError(`${what}.share must be a number from ${min} to ${max}, not ${shown(share)}`);
  }
  return { levels, share };
}

function completeCapacity(capacity: Capacity | undefined, unsaid: CapacitySpec, what: string): CapacitySpec {
  if (capacity === undefined) return unsaid;
  checkOptions(capacity, known.capacity, what);
  const policy = capacity.whenFull ?? unsaid.whenFull;
  checkOneOf(policy, whenFull, `${what}.whenFull`);
  return {
    messages: bound(capacity.messages, unsaid.messages, `${what}.messages`),
    bytes: bound(capacity.bytes, unsaid.bytes, `${what}.bytes`),
    whenFull: policy,
  };
}

/** A whole number of one or more; Infinity says "no bound". */
function bound(value: number | undefined, unsaid: number, what: string): number {
  if (value === undefined) return unsaid;
  if (value !== Infinity) checkInteger(value, what, bounds.count);
  return value;
}

function positiveMs(duration: Duration | undefined, what: string): number | undefined {
  if (duration === undefined) return undefined;
  const ms = durationMs(duration, what);
  if (ms === 0) throw new TypeError(`${what} must be more than 0; leave it out for the default`);
  return ms;
}

/** A queue of dead letters: never full, because a message must always be able to die. */
export function deadLetterSpecOf(
  channel: Pick<Channel<never>, "name" | "policy">,
  group: string,
  driver: Driver,
): ChannelSpec {
  const name = deadLetterName(channel.name, group);
  const canExpire = driver.supports.expires.level !== "refused";
  const keepMs = channel.policy.deadLetter.keepMs ?? (canExpire ? defaults.deadLetterKeepMs : undefined);
  const after = keepMs === undefined ? {} : ({ whenExpired: "drop" } as const);
  return { ...plain, kind: "queue", name, expiresMs: keepMs, ...after, native: undefined };
}

/** A channel as it is stored. Its delivery policy is not stored: it has the defaults. */
export function storedChannel<T>(spec: ChannelSpec, codec: Codec<T>): Channel<T> {
  const { kind, name } = spec;
  const options = spec.compact ? withTombstones({ codec }) : { codec };
  return finish({ kind, spec, policy: completePolicy({}, `${kind} "${name}"`) }, options);
}

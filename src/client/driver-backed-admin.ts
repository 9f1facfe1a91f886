import { durationMs } from "../base/duration.js";
import type {
  ChannelInfo,
  ChannelSpec,
  ChannelStats,
  DriverAdmin,
  GroupInfo,
  PartitionLag,
  PartitionMove,
  Rebalance,
  PeekedMessage,
} from "../driver.js";
import { MillraceError } from "../base/errors.js";
import type { AlertRule } from "./alerts/alert-rule.js";
import { AlertWatch } from "./alerts/alert-watch.js";
import type { AlertOptions, Alerts } from "./alerts/alerts.js";
import type { Admin, ChannelReference, DoctorOptions, Peeked, PeekOptions, SeekPosition } from "./admin.js";
import type { Channel } from "./channel.js";
import { checkInteger, checkOneOf, checkOptions, shown } from "./checks.js";
import { checkCodec, json } from "./codec.js";
import type { Codec } from "./codec.js";
import { storedChannel } from "./complete.js";
import type { ConsumerInfo } from "./consumer.js";
import { describeStored } from "./describe-stored.js";
import type { Payload } from "./dead-letter-edit.js";
import { Explainer } from "./explainer.js";
import type { FindLetter } from "./explainer.js";
import type { Explanation } from "./explanation.js";
import type { DeadLetters } from "./dead-letters.js";
import { bounds, defaults } from "./defaults.js";
import { diagnose } from "./doctor.js";
import type { Diagnosis } from "./doctor.js";
import type { Environment } from "./environment.js";
import { checkPosition } from "./handling.js";
import { checkName } from "./names.js";
import { Gauge } from "./pressure/gauge.js";
import type { Pressure, PressureOptions } from "./pressure/pressure.js";
import { Reading } from "./reading.js";
import { ReceivedMessage } from "./received-message.js";
import { StoredDeadLetters } from "./stored-dead-letters.js";
import { checkId } from "./send-options.js";
import { requireAbility } from "./support.js";

const known = {
  peek: new Set(["group", "limit", "after", "state"]),
  seek: new Set(["partition", "to"]),
  pressure: new Set(["group"]),
  dead: new Set(["group"]),
  doctor: new Set(["channels", "handler"]),
  explain: new Set(["channel"]),
};

export interface AdministeredMillrace {
  /** Throws when it is closed. */
  readonly requireOpen: () => void;
  readonly consumers: () => readonly ConsumerInfo[];
}

/** Administration as any driver offers it: checks arguments, and turns what is stored into values. */
export class DriverBackedAdmin implements Admin {
  readonly #environment: Environment;
  readonly #requireOpen: () => void;
  readonly #consumers: () => readonly ConsumerInfo[];
  readonly #gauge: Gauge;
  readonly #alerts = new Set<AlertWatch>();

  constructor(environment: Environment, mill: AdministeredMillrace) {
    this.#environment = environment;
    this.#requireOpen = mill.requireOpen;
    this.#consumers = mill.consumers;
    this.#gauge = new Gauge(environment.clock);
  }

  async channels(): Promise<readonly ChannelInfo[]> {
    return this.#admin.channels();
  }

  async describe(channel: ChannelReference): Promise<ChannelSpec> {
    return describeStored(this.#admin, nameOf(channel));
  }

  async channel<T = unknown>(name: string, codec: Codec<T> = json as Codec<T>): Promise<Channel<T>> {
    checkCodec(codec, "admin.channel: codec");
    return storedChannel(await this.describe(name), codec);
  }

  async stats(channel: ChannelReference): Promise<ChannelStats> {
    return this.#admin.stats(await this.#known(channel));
  }

  async pressure(channel: ChannelReference, options: PressureOptions = {}): Promise<Pressure> {
    checkOptions(options, known.pressure, "admin.pressure");
    const { group } = options;
    if (group !== undefined) checkName(group, "admin.pressure: group");
    const spec = await describeStored(this.#admin, nameOf(channel));
    return this.#gauge.measure(this.#admin, spec, group);
  }

  consumers(): readonly ConsumerInfo[] {
    return this.#consumers();
  }

  async groups(channel: ChannelReference): Promise<readonly GroupInfo[]> {
    return this.#admin.groups(await this.#known(channel));
  }

  async lag(channel: ChannelReference, group: string): Promise<readonly PartitionLag[]> {
    checkGroup(group, "admin.lag: group");
    return this.#admin.lag(await this.#known(channel), group);
  }

  async rebalances(channel: ChannelReference, group: string): Promise<readonly Rebalance[]> {
    checkGroup(group, "admin.rebalances: group");
    return this.#admin.rebalances(await this.#known(channel), group);
  }

  async seek(channel: ChannelReference, group: string, position: SeekPosition): Promise<readonly PartitionMove[]> {
    checkGroup(group, "admin.seek: group");
    const { to, partition } = seekingOf(position);
    checkPosition(to, "admin.seek: to");
    if (partition !== undefined)
      checkInteger(partition, "admin.seek: partition", { min: 0, max: bounds.partitions.max });
    const asked = { kind: "channel", name: nameOf(channel) } as const;
    requireAbility(this.#environment.driver, "replay", { channel: asked, option: "admin.seek" });
    const { name, partitions } = await describeStored(this.#admin, asked.name);
    if (typeof to === "bigint" && partition === undefined && partitions > 1) {
      throw new TypeError(
        `admin.seek: an offset counts within one partition, and "${name}" has ${partitions}: say { partition, to }`,
      );
    }
    return this.#admin.seek(name, { group, to, partition });
  }

  async peek<T>(channel: Channel<T> | string, options: PeekOptions = {}): Promise<readonly Peeked<T>[]> {
    checkOptions(options, known.peek, "admin.peek");
    const { group = "", limit = defaults.peekLimit, after, state } = options;
    if (state !== undefined) checkOneOf(state, ["ready", "leased", "delayed"], "admin.peek: state");
    checkInteger(limit, "admin.peek: limit", bounds.count);
    if (after !== undefined && typeof after !== "string")
      throw new TypeError(`admin.peek: after must be the id of a message, not ${shown(after)}`);
    const { driver } = this.#environment;
    requireAbility(driver, "peek", { channel: { kind: "channel", name: nameOf(channel) }, option: "peek" });
    const name = await this.#known(channel);
    const found = await this.#admin.peek(name, { group, limit, after, state });
    const reading = new Reading(payloadOf(channel));
    return found.map((each) => new PeekedReceived(each, reading));
  }

  async explain(id: string, options: { readonly channel?: ChannelReference | undefined } = {}): Promise<Explanation> {
    checkOptions(options, known.explain, "admin.explain");
    checkId(id, "admin.explain");
    const { driver } = this.#environment;
    const channel = options.channel === undefined ? undefined : await this.#known(options.channel);
    this.#requireOpen();
    requireAbility(driver, "peek", { channel: { kind: "driver", name: driver.name }, option: "admin.explain" });
    const findLetter: FindLetter = async (name, group, wanted) => {
      const letters = this.dead<unknown>(name, { group: group === "" ? undefined : group });
      return (await letters.list({ id: wanted, limit: 1 }))[0];
    };
    return new Explainer(driver, findLetter).explain(id, channel);
  }

  async cancel(queue: ChannelReference, ids: readonly string[]): Promise<readonly string[]> {
    if (!Array.isArray(ids)) throw new TypeError(`admin.cancel: ids must be an array of ids, not ${shown(ids)}`);
    for (const id of ids) checkId(id, "admin.cancel");
    const { driver } = this.#environment;
    requireAbility(driver, "peek", { channel: { kind: "channel", name: nameOf(queue) }, option: "admin.cancel" });
    const { name, kind } = await describeStored(this.#admin, nameOf(queue));
    if (kind !== "queue") {
      const text = `${kind} "${name}": admin.cancel is not supported: what was sent to a ${kind} is there for all its groups. Send it to a queue`;
      throw new MillraceError("NOT_SUPPORTED", text);
    }
    return this.#admin.remove(
      name,
      [...new Set(ids)].map((id) => ({ id, sends: [] })),
    );
  }

  alerts(rules: readonly AlertRule[], options: AlertOptions = {}): Alerts {
    this.#requireOpen();
    const watch: AlertWatch = new AlertWatch(rules, options, {
      environment: this.#environment,
      consumers: this.#consumers,
      post: (url, request) => fetch(url, request),
      closed: () => void this.#alerts.delete(watch),
    });
    this.#alerts.add(watch);
    return watch;
  }

  /** What watches ends with the Millrace that it watches. */
  close(): void {
    for (const watch of [...this.#alerts]) watch.close();
  }

  async doctor(options: DoctorOptions = {}): Promise<readonly Diagnosis[]> {
    checkOptions(options, known.doctor, "admin.doctor");
    const { channels = [], handler } = options;
    if (!Array.isArray(channels))
      throw new TypeError(`admin.doctor: channels must be an array, not ${shown(channels)}`);
    const handlerMs = handler === undefined ? undefined : durationMs(handler, "admin.doctor: handler");
    return diagnose(this.#admin, { declared: channels, handlerMs });
  }

  dead<T>(channel: Channel<T> | string, options: { readonly group?: string | undefined } = {}): DeadLetters<T> {
    this.#requireOpen();
    checkOptions(options, known.dead, "admin.dead");
    const { group } = options;
    if (group !== undefined) checkName(group, "admin.dead: group");
    const { driver, clock } = this.#environment;
    const origin = { channel: nameOf(channel), group: group ?? "" };
    requireAbility(driver, "peek", { channel: { kind: "channel", name: origin.channel }, option: "admin.dead" });
    return new StoredDeadLetters(driver, {
      origin,
      payload: payloadOf(channel),
      clock,
      requireOpen: this.#requireOpen,
    });
  }

  /** The name of a channel that exists. */
  async #known(channel: ChannelReference): Promise<string> {
    const { name } = await describeStored(this.#admin, nameOf(channel));
    return name;
  }

  get #admin(): DriverAdmin {
    this.#requireOpen();
    return this.#environment.driver.admin;
  }
}

/** A queue's only group has no name. */
function checkGroup(group: unknown, what: string): asserts group is string {
  if (group !== "") checkName(group, what);
}

function seekingOf(position: SeekPosition): { readonly to: unknown; readonly partition: number | undefined } {
  const isInOne = typeof position === "object" && position !== null && !(position instanceof Date);
  if (!isInOne) return { to: position, partition: undefined };
  checkOptions(position, known.seek, "admin.seek: to");
  return position;
}

class PeekedReceived<T> extends ReceivedMessage<T> implements Peeked<T> {
  readonly state: Peeked<T>["state"];
  readonly attempts: number;
  readonly until: Date | undefined;

  constructor(peeked: PeekedMessage, reading: Reading<T>) {
    super(peeked, reading);
    this.state = peeked.state;
    this.attempts = peeked.attempts;
    this.until = peeked.untilMs === undefined ? undefined : new Date(peeked.untilMs);
  }
}

function nameOf(channel: ChannelReference): string {
  const name: unknown = typeof channel === "object" && channel !== null ? channel.name : channel;
  if (typeof name !== "string") throw new TypeError(`admin: a channel or its name is needed, not ${shown(channel)}`);
  checkName(name, "admin");
  return name;
}

/** Of a name nothing is known but that JSON is the default. */
function payloadOf<T>(channel: Channel<T> | string): Payload<T> {
  return typeof channel === "string" ? { codec: json as Codec<T>, schema: undefined } : channel;
}

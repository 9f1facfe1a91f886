/** What is going on, and what an operator may do about it. Looking changes nothing. */
import { MillraceError } from "../base/errors.js";
import type { Partition } from "../log/partition/partition.js";
import type { ChannelKind, ChannelSpec } from "./channel-spec.js";
import { CursorGroup } from "./cursor-group.js";
import type { Channel, Engine } from "./engine.js";
import { Explainer, type MessageExplanation } from "./explain.js";
import { EphemeralChannel } from "./ephemeral-channel.js";
import type { Staged } from "./message.js";
import { Peeker, type PeekedMessage, type PeekOptions } from "./peek.js";
import type { Progress } from "./progress.js";
import { QueueChannel } from "./queue-channel.js";
import type { Rebalance } from "./rebalances.js";
import { RecordStream } from "./record-lookup.js";
import { type PartitionMove, seek, type Seeking } from "./seek.js";
import { type ChannelStats, statsOf } from "./stats.js";
import { StreamChannel } from "./stream-channel.js";
import { viewsOf } from "./views.js";

export interface ChannelInfo {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly durable: boolean;
  readonly partitions: number;
}

export interface GroupInfo {
  readonly name: string;
  readonly members: number;
}

export interface PartitionLag {
  readonly partition: number;
  readonly committed: bigint;
  readonly end: bigint;
  readonly messages: number;
  readonly ms: number;
}

export interface Removal {
  readonly id: string;
  readonly sends: readonly Staged[];
}

export class EngineAdmin {
  readonly #engine: Engine;
  readonly #peeker: Peeker;
  /** When the first message that a group has not settled was sent; read once for each floor. */
  readonly #oldest = new WeakMap<Progress, { readonly floor: number; readonly sentAtMs: number | undefined }>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#peeker = new Peeker(engine.clock);
  }

  async channels(): Promise<readonly ChannelInfo[]> {
    return [...this.#engine.catalog.channels].map(({ spec: { name, kind, durable, partitions } }) => ({
      name,
      kind,
      durable,
      partitions,
    }));
  }

  async describe(name: string): Promise<ChannelSpec | undefined> {
    return this.#engine.catalog.channel(name)?.spec;
  }

  async stats(name: string): Promise<ChannelStats> {
    return statsOf(this.#channel(name), (partition, progress) => this.#oldestMs(partition, progress));
  }

  async groups(name: string): Promise<readonly GroupInfo[]> {
    const channel = this.#channel(name);
    if (channel instanceof EphemeralChannel) return [];
    return [...channel.known.groups.values()].map((group) => ({
      name: group.name,
      members: (channel instanceof QueueChannel ? channel.work : memberCounter(channel, group.name)).members,
    }));
  }

  async lag(name: string, group: string): Promise<readonly PartitionLag[]> {
    return viewsOf(this.#channel(name), group).map(({ partition, lane, progress, overdueMs }) => {
      const committed = Math.min(Math.max(progress.floor, partition.startOffset), partition.endOffset);
      return {
        partition: lane.partition,
        committed: BigInt(committed),
        end: BigInt(partition.endOffset),
        messages: partition.endOffset - committed - progress.settled.countIn(committed, partition.endOffset),
        ms: (overdueMs === undefined ? this.#oldestMs(partition, progress) : overdueMs()) ?? 0,
      };
    });
  }

  /** Only the partitions of streams are shared out. */
  async rebalances(name: string, group: string): Promise<readonly Rebalance[]> {
    const channel = this.#channel(name);
    viewsOf(channel, group);
    const runtime = channel instanceof StreamChannel ? channel.group(group) : undefined;
    return runtime instanceof CursorGroup ? runtime.rebalances : [];
  }

  /** Resolves once the new position is durable. */
  async seek(name: string, seeking: Seeking): Promise<readonly PartitionMove[]> {
    const moves = seek(this.#channel(name), seeking);
    await this.#engine.log.flush();
    return moves;
  }

  async peek(name: string, options: PeekOptions & { readonly group: string }): Promise<readonly PeekedMessage[]> {
    return this.#peeker.peek(viewsOf(this.#channel(name), options.group), options);
  }

  /** undefined: there is no such message, nor a trace of one. */
  async explain(name: string, id: string): Promise<MessageExplanation | undefined> {
    const channel = this.#channel(name);
    if (channel instanceof EphemeralChannel) return undefined;
    return new Explainer(this.#engine.clock, this.#peeker).explain(channel, id);
  }

  /** Settles messages of a queue that nobody has leased, each with its sends in one commit. Returns the ids of those it settled. */
  async remove(name: string, removals: readonly Removal[]): Promise<readonly string[]> {
    const channel = this.#channel(name);
    if (!(channel instanceof QueueChannel)) {
      const text = `messages can be removed from queues only, and ${JSON.stringify(name)} is a ${channel.spec.kind}`;
      throw new MillraceError("NOT_SUPPORTED", text);
    }
    const ids = removals.map((removal) => removal.id);
    const located = await this.#peeker.locate(viewsOf(channel, ""), ids);
    const leased = new Set([...channel.work.leases()].map((lease) => lease.lane.idPrefix + lease.record.offset));
    const removed: string[] = [];
    for (const { id, sends } of removals) {
      const found = located.get(id);
      if (found === undefined) continue;
      const { record, view } = found;
      if (leased.has(view.lane.idPrefix + record.offset) || view.progress.settled.has(record.offset)) continue;
      try {
        this.#engine.stage(sends, () => channel.work.remove(view.lane.partition, record));
      } catch (error) {
        // The disk may be full: what went through before is told, the rest can be tried again.
        if (removed.length === 0) throw error;
        break;
      }
      removed.push(id);
    }
    await this.#engine.log.flush();
    return removed;
  }

  #channel(name: string): Channel {
    const channel = this.#engine.channel(name);
    if (channel !== undefined) return channel;
    throw new MillraceError(
      "CHANNEL_UNKNOWN",
      `there is no channel ${JSON.stringify(name)}: look at the name, or declare it`,
    );
  }

  #oldestMs(partition: Partition, progress: Progress): number | undefined {
    const floor = Math.max(progress.floor, partition.startOffset);
    if (floor >= partition.endOffset) return undefined;
    let oldest = this.#oldest.get(progress);
    if (oldest?.floor !== floor) {
      oldest = { floor, sentAtMs: new RecordStream(partition, floor).peek()?.timestampMs };
      this.#oldest.set(progress, oldest);
    }
    return oldest.sentAtMs === undefined ? undefined : Math.max(0, this.#engine.wall.nowMs() - oldest.sentAtMs);
  }
}

function memberCounter(channel: Exclude<Channel, EphemeralChannel | QueueChannel>, group: string): { members: number } {
  const runtime = "workGroup" in channel ? channel.workGroup(group) : channel.group(group);
  return runtime ?? { members: 0 };
}

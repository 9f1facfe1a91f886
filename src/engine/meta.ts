/**
 * The catalog: which channels and groups there are, and under which numbers everything on disk knows them.
 * It is nothing but what the entries of the meta journal say, in order:
 *
 *   { "entry": "channel", "id": 3, "spec": { … } }                                    again with the same id: its settings changed
 *   { "entry": "group", "id": 9, "channel": 4, "name": "audit", "starts": [0, 1200] }  where it began in each partition;
 *                                    with "settle": "each" when its messages are settled each by itself
 *
 * Channels and groups are numbered from one sequence. A queue's only group, "", is made with the queue and has its number.
 * A kind of entry that we do not know was written by a newer release: the directory is whole, so it is refused and not repaired.
 */
import { assert } from "../base/assert.js";
import { MillraceError } from "../base/errors.js";
import { type ChannelSpec, specOf, type StoredSpec, storedSpec } from "./channel-spec.js";

export interface ChannelEntry {
  readonly entry: "channel";
  readonly id: number;
  readonly spec: StoredSpec;
}

export interface GroupEntry {
  readonly entry: "group";
  readonly id: number;
  readonly channel: number;
  readonly name: string;
  /** The first offset the group reads, by partition; 0 in partitions that were added later. */
  readonly starts: readonly number[];
  /** Of a stream: its messages are settled each by itself, in no order. */
  readonly settle?: "each";
}

/** What there is to say of a group that is new. */
export type NewGroup = Omit<GroupEntry, "entry" | "id" | "channel">;

export interface KnownGroup extends NewGroup {
  readonly id: number;
}

export interface KnownChannel {
  readonly id: number;
  spec: ChannelSpec;
  readonly groups: Map<string, KnownGroup>;
}

export class Catalog {
  readonly #byName = new Map<string, KnownChannel>();
  readonly #byId = new Map<number, KnownChannel>();
  #lastId = 0;

  get channels(): Iterable<KnownChannel> {
    return this.#byName.values();
  }

  get size(): number {
    return this.#byName.size;
  }

  channel(name: string): KnownChannel | undefined {
    return this.#byName.get(name);
  }

  /** A number that nothing on disk has. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** Something on disk carries this number, though we may not know what it was. */
  reserveId(id: number): void {
    this.#lastId = Math.max(this.#lastId, id);
  }

  /** Takes in an entry: one read at open, or one that has just become durable. */
  apply(entry: unknown): void {
    const kind = (entry as { entry?: unknown } | null)?.entry;
    if (kind === "channel") this.#applyChannel(entry as ChannelEntry);
    else if (kind === "group") this.#applyGroup(entry as GroupEntry);
    else throw unknownEntry(kind);
  }

  #applyChannel({ id, spec: stored }: ChannelEntry): void {
    const spec = specOf(stored);
    this.reserveId(id);
    const known = this.#byId.get(id);
    if (known !== undefined) {
      known.spec = spec;
      return;
    }
    const channel: KnownChannel = { id, spec, groups: new Map() };
    if (spec.kind === "queue") channel.groups.set("", { id, name: "", starts: [0] });
    this.#byId.set(id, channel);
    this.#byName.set(spec.name, channel);
  }

  #applyGroup({ id, channel: channelId, name, starts, settle }: GroupEntry): void {
    this.reserveId(id);
    const channel = this.#byId.get(channelId);
    // Its channel's entry was lost to damage, which was reported when the journal was read.
    if (channel === undefined) return;
    assert(channel.spec.kind !== "queue", "a queue has no other group than its own");
    channel.groups.set(name, { id, name, starts, ...(settle === undefined ? {} : { settle }) });
  }
}

export function channelEntry(id: number, spec: ChannelSpec): ChannelEntry {
  return { entry: "channel", id, spec: storedSpec(spec) };
}

function unknownEntry(kind: unknown): MillraceError {
  return new MillraceError(
    "LOG_VERSION_UNSUPPORTED",
    `the meta journal has an entry of the kind ${JSON.stringify(kind)}, which this release does not know: open the directory with the release that wrote it`,
  );
}

/** Writes down channels and groups, within their limits. They exist once their entry is durable. */
import { assert } from "../base/assert.js";
import { MillraceError } from "../base/errors.js";
import type { Limits } from "../base/limits.js";
import type { Log } from "../log/log.js";
import type { ChannelSpec } from "./channel-spec.js";
import {
  type Catalog,
  channelEntry,
  type GroupEntry,
  type KnownChannel,
  type KnownGroup,
  type NewGroup,
} from "./meta.js";

export class Registrar {
  readonly #log: Log;
  readonly #catalog: Catalog;
  readonly #limits: Limits;
  /** On their way to the disk, and counted as if they were there. */
  #channelsComing = 0;
  readonly #groupsComing = new Map<KnownChannel, number>();

  constructor(log: Log, catalog: Catalog, limits: Limits) {
    this.#log = log;
    this.#catalog = catalog;
    this.#limits = limits;
  }

  /** @throws MillraceError LIMIT_REACHED */
  async addChannel(spec: ChannelSpec): Promise<KnownChannel> {
    const { channelsMax } = this.#limits;
    if (this.#catalog.size + this.#channelsComing >= channelsMax) {
      throw limitReached(`there are ${channelsMax} channels`, "channelsMax");
    }
    this.#channelsComing++;
    try {
      await this.#write(channelEntry(this.#catalog.nextId(), spec));
    } finally {
      this.#channelsComing--;
    }
    const known = this.#catalog.channel(spec.name);
    assert(known !== undefined, "a channel is in the catalog once its entry is");
    return known;
  }

  changeChannel(known: KnownChannel, spec: ChannelSpec): Promise<void> {
    return this.#write(channelEntry(known.id, spec));
  }

  /** @throws MillraceError LIMIT_REACHED */
  async addGroup(channel: KnownChannel, group: NewGroup): Promise<KnownGroup> {
    const { groupsMax } = this.#limits;
    const coming = this.#groupsComing.get(channel) ?? 0;
    if (channel.groups.size + coming >= groupsMax) {
      throw limitReached(`${JSON.stringify(channel.spec.name)} has ${groupsMax} groups`, "groupsMax");
    }
    const entry: GroupEntry = { entry: "group", id: this.#catalog.nextId(), channel: channel.id, ...group };
    this.#groupsComing.set(channel, coming + 1);
    try {
      await this.#write(entry);
    } finally {
      this.#groupsComing.set(channel, (this.#groupsComing.get(channel) ?? 1) - 1);
    }
    const known = channel.groups.get(group.name);
    assert(known !== undefined, "a group is in the catalog once its entry is");
    return known;
  }

  async #write(entry: unknown): Promise<void> {
    await this.#log.appendMeta(entry);
    this.#catalog.apply(entry);
  }
}

function limitReached(what: string, limit: "channelsMax" | "groupsMax"): MillraceError {
  const text = `${what}, as many as limits.${limit} allows: use what is there, or raise the limit`;
  return new MillraceError("LIMIT_REACHED", text);
}

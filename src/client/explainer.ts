import type { ChannelInfo, Driver, IncomingMessage, MessageExplanation } from "../driver.js";
import { deadHeaders } from "./dead-letter-headers.js";
import { viewOf } from "./dead-letter-view.js";
import type { DeadLetter } from "./dead-letters.js";
import { deadExplanation, groupExplanation } from "./explanation.js";
import type { ExplainedMessage, Explanation, GroupExplanation } from "./explanation.js";
import { deadEnding } from "./names.js";
import { Reading } from "./reading.js";
import { json } from "./codec.js";

/** The dead letter that a message of a channel and group became, if it is there. */
export type FindLetter = (channel: string, group: string, id: string) => Promise<DeadLetter<unknown> | undefined>;

/** Follows a message by its id: through its channel, its groups, and into their dead letters. */
export class Explainer {
  readonly #driver: Driver;
  readonly #findLetter: FindLetter;

  constructor(driver: Driver, findLetter: FindLetter) {
    this.#driver = driver;
    this.#findLetter = findLetter;
  }

  /** @param channel undefined: the one that the id names, or any */
  async explain(id: string, channel: string | undefined): Promise<Explanation> {
    const all = (await this.#driver.admin.channels()).filter(({ durable }) => durable);
    const named = channel ?? all.find(({ name }) => isPositionIn(name, id))?.name;
    const looked = named === undefined ? all : all.filter(({ name }) => name === named);
    for (const each of looked) {
      const found = await this.#in(each, id);
      if (found !== undefined) return found;
    }
    const where = named === undefined ? "any channel" : `"${named}"`;
    const because = `no message ${id} is known in ${where}: it was never sent there, or is settled and no longer kept`;
    return { id, channel: undefined, message: undefined, groups: [], because };
  }

  async #in(channel: ChannelInfo, id: string): Promise<Explanation | undefined> {
    const found = await this.#driver.admin.explain(channel.name, id);
    if (found?.message !== undefined && channel.name.endsWith(deadEnding)) return letterExplanation(id, found.message);
    const groups = found === undefined ? await this.#dead(channel, id) : await this.#groups(channel.name, id, found);
    if (found === undefined && groups.length === 0) return undefined;
    const because = groups.map((each) => (each.group === "" ? "" : `group ${each.group}: `) + each.because).join("; ");
    return {
      id,
      channel: channel.name,
      message: found?.message && partsOf(found.message),
      groups,
      because: because || "it is stored, and no group reads its channel yet",
    };
  }

  async #groups(channel: string, id: string, found: MessageExplanation): Promise<GroupExplanation[]> {
    const groups: GroupExplanation[] = [];
    for (const standing of found.standings) {
      const isOver = standing.state === "settled" || standing.state === "gone";
      const letter = isOver ? await this.#findLetter(channel, standing.group, id) : undefined;
      groups.push(groupExplanation(standing, letter, found.message?.key));
    }
    return groups;
  }

  /** Of a message that the log keeps nothing of any more, a dead letter may be left. */
  async #dead({ name, kind }: ChannelInfo, id: string): Promise<GroupExplanation[]> {
    if (name.endsWith(deadEnding)) return [];
    const groups = kind === "queue" ? [""] : (await this.#driver.admin.groups(name)).map((group) => group.name);
    const found: GroupExplanation[] = [];
    for (const group of groups) {
      const letter = await this.#findLetter(name, group, id);
      if (letter !== undefined) found.push(deadExplanation(group, letter));
    }
    return found;
  }
}

/** The id of a dead letter itself. */
function letterExplanation(id: string, stored: IncomingMessage): Explanation {
  const letter = viewOf(stored, new Reading<unknown>({ codec: json, schema: undefined }));
  const group = deadExplanation(stored.headers[deadHeaders.group] ?? "", letter);
  const { channel } = letter.origin;
  return { id, channel, message: partsOf(stored), groups: [group], because: group.because };
}

function partsOf({ key, headers, sentAtMs, partition, offset }: IncomingMessage): ExplainedMessage {
  return { key, headers, sentAt: new Date(sentAtMs), partition, offset };
}

/** "<channel>/<partition>/<offset>" */
function isPositionIn(channel: string, id: string): boolean {
  return id.startsWith(`${channel}/`) && /^\d+\/\d+$/.test(id.slice(channel.length + 1));
}

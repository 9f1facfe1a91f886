/**
 * Who reads which partition of a stream's group. When a member joins, leaves or stalls, or there are more partitions, they are shared out anew. One that changes
 * hands is no longer handed out by its owner, and moves once the owner's leases in it have ended; the others go on meanwhile.
 */
import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Assignment, AssignmentName } from "./assignment.js";
import { cooperativeSticky } from "./assignments/cooperative-sticky.js";
import { range } from "./assignments/range.js";
import { roundRobin } from "./assignments/round-robin.js";
import type { GroupSource, SourceOptions } from "./group-source.js";
import type { StreamReading } from "./message.js";
import type { PartitionCursor } from "./partition-cursor.js";
import { type Rebalance, type RebalanceCause, Rebalances } from "./rebalances.js";

const assignments: Readonly<Record<AssignmentName, Assignment>> = {
  "cooperative-sticky": cooperativeSticky,
  range,
  "round-robin": roundRobin,
};

/** Of a member that says nothing else. */
const usual: StreamReading = { order: "partition", onFailure: "block", assignment: "cooperative-sticky" };

export interface SharingHome {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly channel: string;
  readonly group: string;
  readonly cursors: readonly PartitionCursor[];
  readonly sources: ReadonlySet<GroupSource>;
}

export class Sharing {
  readonly #home: SharingHome;
  readonly #stalled = new Set<GroupSource>();
  /** The name under which each partition was read last, for members that come back. */
  readonly #lastNames: (string | undefined)[] = [];
  readonly #labels = new WeakMap<GroupSource, string>();
  readonly #rebalances: Rebalances;
  #joined = 0;

  constructor(home: SharingHome) {
    this.#home = home;
    this.#rebalances = new Rebalances(home.clock, (rebalance) => this.#tell(rebalance));
  }

  /** The oldest first. */
  get history(): readonly Rebalance[] {
    return this.#rebalances.history;
  }

  /** @throws MillraceError GROUP_MISMATCH when the members that are there share in another way than this one wants to */
  refuseOther(options: SourceOptions): void {
    const asked = readingOf(options).assignment;
    const [first] = this.#home.sources;
    const agreed = first === undefined ? asked : readingOf(first.options).assignment;
    if (agreed === asked) return;
    const { channel, group } = this.#home;
    throw new MillraceError(
      "GROUP_MISMATCH",
      `the members of group ${JSON.stringify(group)} of ${JSON.stringify(channel)} share its partitions by assignment "${agreed}", and this one asks for "${asked}": let all of them ask for the same`,
    );
  }

  joined(source: GroupSource): void {
    this.#joined++;
    this.#labels.set(source, source.options.member ?? `#${this.#joined}`);
    this.rebalance("joined", source);
  }

  left(source: GroupSource): void {
    this.#stalled.delete(source);
    this.rebalance();
  }

  /** Leases of these have ended, and they do not ask for more. Others may be able to take over partitions in any case. */
  stalled(sources: readonly GroupSource[]): void {
    const fresh = sources.filter((source) => !this.#stalled.has(source));
    for (const source of fresh) this.#stalled.add(source);
    if (fresh.length > 0) this.rebalance("stalled", ...fresh);
    else this.rebalance();
  }

  /** It works. Whether it did not before. */
  revived(source: GroupSource): boolean {
    if (!this.#stalled.delete(source)) return false;
    this.rebalance("back", source);
    return true;
  }

  rebalance(cause?: RebalanceCause, ...sources: readonly GroupSource[]): void {
    const { cursors } = this.#home;
    const heirs = this.#heirs();
    if (cause !== undefined) {
      const labels = sources.map((source) => this.#labels.get(source));
      this.#rebalances.begin(cause, labels.length === 0 ? undefined : labels.join(", "));
    }
    for (const [partition, cursor] of cursors.entries()) {
      const heir = heirs[partition];
      const isNew = heir !== cursor.heir;
      cursor.heir = heir;
      cursor.moving = heir !== cursor.owner;
      if (isNew && cursor.moving) this.#plan(cursor);
      else if (isNew) this.#rebalances.cancel(partition);
      if (cursor.moving && cursor.inFlight === 0) this.move(cursor);
    }
    this.#rebalances.planned();
  }

  /** Its owner has nothing leased of it any more. */
  move(cursor: PartitionCursor): void {
    cursor.owner = cursor.heir;
    cursor.moving = false;
    if (cursor.owner !== undefined) cursor.readAs(readingOf(cursor.owner.options));
    this.#rebalances.handedOver(cursor.partition);
    const name = cursor.owner?.options.member;
    const last = this.#lastNames[cursor.partition];
    // A name that is away keeps its claim, unless the new owner has none of his own to come back to.
    const isAway = last !== undefined && last !== name && !this.#isPresent(last);
    if (name !== undefined && (!isAway || !this.#lastNames.includes(name))) this.#lastNames[cursor.partition] = name;
  }

  #heirs(): (GroupSource | undefined)[] {
    const { cursors, sources } = this.#home;
    const open = [...sources].filter((source) => source.open);
    const working = open.filter((source) => !this.#stalled.has(source));
    const members = working.length > 0 ? working : open;
    const assign = assignments[readingOf(members[0]?.options).assignment];
    return assign(
      members.map((member) => ({ member, name: member.options.member })),
      { owners: cursors.map((cursor) => cursor.owner), lastNames: cursors.map((_, index) => this.#lastNames[index]) },
    );
  }

  #plan({ partition, owner, heir }: PartitionCursor): void {
    const label = (source: GroupSource | undefined): string | undefined =>
      source === undefined ? undefined : this.#labels.get(source);
    this.#rebalances.plan({ partition, from: label(owner), to: label(heir) });
  }

  #isPresent(name: string): boolean {
    return [...this.#home.sources].some((source) => source.open && source.options.member === name);
  }

  #tell({ cause, member, moved, tookMs }: Rebalance): void {
    if (moved.length === 0) return;
    const { channel, group, logger } = this.#home;
    logger.info({ channel, group, cause, member, moved, tookMs }, "the partitions of a group were shared out anew");
  }
}

function readingOf(options: SourceOptions | undefined): StreamReading {
  return options?.stream ?? usual;
}

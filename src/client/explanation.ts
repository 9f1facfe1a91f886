import type { MessageStanding } from "../driver.js";
import type { DeadLetter } from "./dead-letters.js";

/** Where a message is, and why. Plain data, but for the value of a dead letter. */
export interface Explanation {
  readonly id: string;
  /** undefined: no channel knows of such a message, nor do its dead letters. */
  readonly channel: string | undefined;
  /** As far as it is still stored. */
  readonly message: ExplainedMessage | undefined;
  /** How it stands with each group that may get it; a queue has one, named "". */
  readonly groups: readonly GroupExplanation[];
  /** The same for a person, in a sentence. */
  readonly because: string;
}

export interface ExplainedMessage {
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly sentAt: Date;
  readonly partition: number | undefined;
  readonly offset: bigint | undefined;
}

export interface GroupExplanation {
  readonly group: string;
  /**
   * "ready" may be handed out next; "leased" somebody has it; "delayed" waits for its time; "behind" waits until another message is settled;
   * "dead" is in the dead letters; "settled" is done, dropped or redriven; "gone" is not kept any more, and nobody had settled it.
   */
  readonly state: "ready" | "leased" | "delayed" | "behind" | "dead" | "settled" | "gone";
  /** For a person, in a sentence. */
  readonly because: string;
  /** So far. */
  readonly attempts: number;
  /** When a delayed message is due, or a lease ends. */
  readonly until: Date | undefined;
  /** When it was settled at the latest; undefined where it is not, or nobody knows any more. */
  readonly settledBy: Date | undefined;
  /** Of a lease: the member that has it, where it has a name. */
  readonly holder: string | undefined;
  /** The id of the message it waits for. */
  readonly behind: string | undefined;
  /** Messages before it, of its partition and priority, that are not settled. */
  readonly ahead: number;
  /** The limit that keeps it from being handed out now, if one does. */
  readonly limit: string | undefined;
  /** Of a dead one. */
  readonly letter: DeadLetter<unknown> | undefined;
}

export function groupExplanation(
  standing: MessageStanding,
  letter: DeadLetter<unknown> | undefined,
  key: string | undefined,
): GroupExplanation {
  const { group, attempts, untilMs, holder, behind, ahead, limit } = standing;
  const until = untilMs === undefined ? undefined : new Date(untilMs);
  if (letter !== undefined) return deadExplanation(group, letter);
  const settledBy = standing.settledByMs === undefined ? undefined : new Date(standing.settledByMs);
  const because = sentenceOf(standing, key);
  return { group, state: standing.state, because, attempts, until, settledBy, holder, behind, ahead, limit, letter };
}

export function deadExplanation(group: string, letter: DeadLetter<unknown>): GroupExplanation {
  const { id, reason, error, attempts, lastFailedAt } = letter;
  const why = `${error.name}: ${error.message}`;
  const because = `it is dead letter ${id} since ${lastFailedAt.toISOString()}, reason "${reason}", because of ${why}`;
  const nowhere = {
    until: undefined,
    settledBy: undefined,
    holder: undefined,
    behind: undefined,
    ahead: 0,
    limit: undefined,
  };
  return { ...nowhere, group, state: "dead", because, attempts, letter };
}

function sentenceOf(standing: MessageStanding, key: string | undefined): string {
  const { state, attempts, untilMs, holder, behind, limit } = standing;
  const until = untilMs === undefined ? "" : ` until ${new Date(untilMs).toISOString()}`;
  if (state === "leased") return `${holder ?? "a consumer"} has it${until}, attempt ${attempts}`;
  if (state === "delayed")
    return attempts === 0 ? `it was sent to wait${until}` : `it waits${until} for attempt ${attempts + 1}`;
  if (state === "behind") {
    const of = key === undefined ? "" : ` (key "${key}")`;
    return `it waits until ${behind ?? "another message"} is settled, which has to be before it${of}`;
  }
  if (state === "settled")
    return `it is settled, ${whenSettled(standing)}: done, dropped, or redriven under another id`;
  if (state === "gone") return "it is not kept any more, and was not settled before: retention or damage has taken it";
  return readySentence(standing, limit);
}

function whenSettled({ settledByMs }: MessageStanding): string {
  return settledByMs === undefined ? "not known when" : `at ${new Date(settledByMs).toISOString()} or before`;
}

function readySentence({ ahead, consumers }: MessageStanding, limit: string | undefined): string {
  const before = ahead === 0 ? "nothing is before it" : `${ahead} messages are before it`;
  if (consumers === 0) return `it could be handed out, but no consumer is there; ${before}`;
  if (limit !== undefined) return `it could be handed out, but limits.${limit} is reached; ${before}`;
  return `it can be handed out, ${before}`;
}

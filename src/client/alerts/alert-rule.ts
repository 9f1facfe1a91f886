import { durationMs } from "../../base/duration.js";
import type { Duration } from "../../base/duration.js";
import { checkOneOf, checkOptions, shown } from "../checks.js";
import { checkName } from "../names.js";

/** What is watched, and in what it is measured. */
export type AlertKind =
  /** Messages of a queue, or of a durable topic with all its groups, that are not settled. */
  | "depth"
  /** The age of the oldest of them: a duration. */
  | "oldest"
  /** Dead letters that are there. */
  | "dead"
  /** Messages dropped since the last look. */
  | "drops"
  /** How many messages a group of a stream or durable topic is behind. */
  | "lag"
  /** How old the first message is that it has not settled: a duration. */
  | "lag-time"
  /** Messages that wait while no consumer is there. */
  | "unattended"
  /** Consumers of this Millrace that cannot get messages. */
  | "stalled"
  /** Consumers of this Millrace that take what happens for an outage. */
  | "outage";

/** When to be told of something. Plain data: it can be written down as JSON. */
export interface AlertRule {
  readonly when: AlertKind;
  /** Default "*": every channel there is. */
  readonly channel?: string | undefined;
  /** Default: every group. */
  readonly group?: string | undefined;
  /** Fires when there is more than this: a number, for "oldest" and "lag-time" a duration. Default 0 where one is too many. */
  readonly above?: number | Duration | undefined;
  /** Resolves at this, or less. Default: `above`. Set it lower where a value goes up and down. */
  readonly resolveAt?: number | Duration | undefined;
  /** Fires only when it has been so for so long. Default 0. */
  readonly for?: Duration | undefined;
  /** What it is called when it fires. Default: what it says. */
  readonly name?: string | undefined;
}

/** With every default filled in. */
export interface CompleteRule {
  readonly when: AlertKind;
  readonly channel: string;
  readonly group: string | undefined;
  readonly above: number;
  readonly resolveAt: number;
  readonly forMs: number;
  readonly name: string;
}

/** Of these one is too many, unless somebody says otherwise. */
const noneByDefault: ReadonlySet<AlertKind> = new Set(["dead", "drops", "unattended", "stalled", "outage"]);
const durations: ReadonlySet<AlertKind> = new Set(["oldest", "lag-time"]);
const kinds: readonly AlertKind[] = [
  "depth",
  "oldest",
  "dead",
  "drops",
  "lag",
  "lag-time",
  "unattended",
  "stalled",
  "outage",
];
const known = new Set(["when", "channel", "group", "above", "resolveAt", "for", "name"]);

/** @throws TypeError that says which rule is wrong, and how. */
export function completeRules(rules: unknown): readonly CompleteRule[] {
  if (!Array.isArray(rules) || rules.length === 0)
    throw new TypeError(`admin.alerts: rules must be an array of one or more, not ${shown(rules)}`);
  const complete = rules.map((rule: AlertRule, index) => completeRule(rule, `admin.alerts: rules[${index}]`));
  const names = complete.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new TypeError(`admin.alerts: two rules are called "${twice}": give each its name`);
  return complete;
}

function completeRule(rule: AlertRule, what: string): CompleteRule {
  checkOptions(rule, known, what);
  const { when, channel = "*", group, above: said } = rule;
  checkOneOf(when, kinds, `${what}.when`);
  if (channel !== "*") checkName(channel, `${what}.channel`);
  if (group !== undefined) checkName(group, `${what}.group`);
  if (said === undefined && !noneByDefault.has(when))
    throw new TypeError(`${what}: say above what "${when}" shall fire`);
  const above = threshold(when, said ?? 0, `${what}.above`);
  const resolveAt = threshold(when, rule.resolveAt ?? above, `${what}.resolveAt`);
  if (resolveAt > above) throw new TypeError(`${what}: resolveAt must not be over above: it would never rest`);
  const forMs = durationMs(rule.for ?? 0, `${what}.for`);
  return { when, channel, group, above, resolveAt, forMs, name: nameOf(rule, what) };
}

function nameOf({ when, channel = "*", group, above = 0, name }: AlertRule, what: string): string {
  if (name === undefined) return `${when} of ${channel}${group === undefined ? "" : `, group ${group}`} above ${above}`;
  if (typeof name !== "string" || name === "") throw new TypeError(`${what}.name must be a string, not ${shown(name)}`);
  return name;
}

function threshold(when: AlertKind, value: number | Duration, what: string): number {
  if (durations.has(when)) return durationMs(value, what);
  if (typeof value === "number" && value >= 0 && value < Infinity) return value;
  throw new TypeError(`${what} must be a number of 0 or more, not ${shown(value)}`);
}

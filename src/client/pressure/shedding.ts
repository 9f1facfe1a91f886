import { durationMs } from "../../base/duration.js";
import type { Duration } from "../../base/duration.js";
import { checkInteger, checkOptions } from "../checks.js";
import { bounds } from "../defaults.js";
import type { Pressure } from "./pressure.js";

/** From when on nothing more is taken in, and from when on it is again. Of one value, the other is four fifths of it. */
export type Threshold<V> = V | { readonly enter: V; readonly leave: V };

export interface Thresholds {
  /** Messages. */
  readonly depth?: Threshold<number> | undefined;
  /** Age of the oldest message. */
  readonly oldest?: Threshold<Duration> | undefined;
  /** How long a message sent now is going to wait: what is to be done over the rate at which it gets done. */
  readonly wait?: Threshold<Duration> | undefined;
}

/** What something is shed for. */
export type ShedReason = "depth" | "oldest" | "wait";

export interface Rule {
  readonly reason: ShedReason;
  readonly enter: number;
  readonly leave: number;
  readonly figure: (pressure: Pressure) => number | undefined;
}

const leaveShare = 0.8;

const figures: Readonly<Record<ShedReason, Rule["figure"]>> = {
  depth: (pressure) => pressure.depth,
  oldest: (pressure) => pressure.oldestMs ?? 0,
  wait: (pressure) => pressure.predictedWaitMs,
};

/** @throws TypeError when there is none, or one that is none. */
export function completeRules(given: Thresholds, what: string): readonly Rule[] {
  const reasons = (["depth", "oldest", "wait"] as const).filter((reason) => given[reason] !== undefined);
  if (reasons.length === 0) throw new TypeError(`${what}: say depth, oldest or wait, e.g. { wait: "5s" }`);
  return reasons.map((reason) => {
    const { enter, leave } = completeThreshold(reason, given[reason] as Threshold<Duration>, `${what}: ${reason}`);
    return { reason, enter, leave, figure: figures[reason] };
  });
}

function completeThreshold(
  reason: ShedReason,
  given: Threshold<Duration>,
  what: string,
): { readonly enter: number; readonly leave: number } {
  if (typeof given !== "object" || given === null) {
    const enter = amount(reason, given, what);
    return { enter, leave: enter * leaveShare };
  }
  checkOptions(given, new Set(["enter", "leave"]), what);
  const enter = amount(reason, given.enter, `${what}.enter`);
  const leave = amount(reason, given.leave, `${what}.leave`);
  if (leave > enter) throw new TypeError(`${what}: leave must not be above enter`);
  return { enter, leave };
}

function amount(reason: ShedReason, given: Duration, what: string): number {
  if (reason === "depth") {
    checkInteger(given, what, bounds.count);
    return given;
  }
  const ms = durationMs(given, what);
  if (ms === 0) throw new TypeError(`${what} must be more than 0`);
  return ms;
}

/**
 * What is shed for, decided by the rules, what it was shed for before, and the pressure: each rule begins at its `enter` and goes on
 * until its `leave`, so that it does not flicker in between. A figure that is not known changes nothing.
 */
export function shedFor(
  rules: readonly Rule[],
  before: ReadonlySet<ShedReason>,
  pressure: Pressure,
): ReadonlySet<ShedReason> {
  const now = rules.filter(({ reason, enter, leave, figure }) => {
    const value = figure(pressure);
    if (value === undefined) return before.has(reason);
    return before.has(reason) ? value > leave : value >= enter;
  });
  return new Set(now.map((rule) => rule.reason));
}

/** How long until the pressure is where nothing is shed any more, at the rate at which things get done; undefined when that is not known. */
export function reliefMs(rules: readonly Rule[], pressure: Pressure): number | undefined {
  const { drainPerSecond } = pressure;
  if (drainPerSecond === undefined || drainPerSecond === 0) return undefined;
  const waits = rules.map(({ reason, leave, figure }) => {
    const over = Math.max(0, (figure(pressure) ?? 0) - leave);
    return reason === "depth" ? (over / drainPerSecond) * 1_000 : over;
  });
  return Math.max(0, ...waits);
}

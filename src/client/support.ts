import { MillraceError } from "../base/errors.js";
import type { Ability, ChannelSpec, Driver, Supports } from "../driver.js";
import type { Channel } from "./channel.js";

/** Which ability an option stands on, and when. Options that any driver has to take are not here. */
const needs: readonly {
  readonly option: string;
  readonly ability: keyof Supports;
  readonly asks: (spec: ChannelSpec) => boolean;
}[] = [
  { option: "order", ability: "perKeyOrder", asks: (spec) => spec.order === "per-key" },
  { option: "priorities", ability: "priority", asks: (spec) => spec.priorities > 1 },
  { option: "dedup", ability: "dedup", asks: (spec) => spec.dedupMs !== undefined },
  { option: "expires", ability: "expires", asks: (spec) => spec.expiresMs !== undefined },
  { option: "compact", ability: "compact", asks: (spec) => spec.compact },
  { option: "capacity", ability: "capacity", asks: () => true },
  { option: "buffer", ability: "capacity", asks: () => true },
];

/**
 * The channel as this driver can take it: what was asked for and cannot be done is refused, and
 * a default that it cannot do is left out, as the option's comment says.
 * @throws MillraceError NOT_SUPPORTED
 */
export function specFor<T>(driver: Driver, channel: Channel<T>): ChannelSpec {
  const { spec, asked, policy } = channel;
  const kind = spec.kind === "topic" && !spec.durable ? "ephemeral" : spec.kind;
  requireAbility(driver, kind, { channel, option: kind === "ephemeral" ? "durable: false" : `a ${kind}` });
  for (const { option, ability, asks } of needs) {
    if (asked.has(option) && asks(spec)) requireAbility(driver, ability, { channel, option });
  }
  if (policy.deadLetter.keepMs !== undefined) requireAbility(driver, "expires", { channel, option: "deadLetter.keep" });
  return {
    ...spec,
    dedupMs: isRefused(driver, "dedup") ? undefined : spec.dedupMs,
    capacity: isRefused(driver, "capacity")
      ? { messages: Infinity, bytes: Infinity, whenFull: "block" }
      : spec.capacity,
  };
}

export function isRefused(driver: Driver, ability: keyof Supports): boolean {
  return driver.supports[ability].level === "refused";
}

interface Asked {
  readonly channel: { readonly kind: string; readonly name: string };
  readonly option: string;
}

/** @throws MillraceError NOT_SUPPORTED, with the driver's own words on what can be used instead. */
export function requireAbility(driver: Driver, ability: keyof Supports, asked: Asked): void {
  if (isRefused(driver, ability)) throw notSupported(driver, asked, driver.supports[ability]);
}

export function notSupported(driver: Driver, asked: Asked, ability?: Ability): MillraceError {
  const { channel, option } = asked;
  const instead =
    ability?.level === "refused" ? ability.note : "this version of Millrace has no way to ask a driver for it";
  return new MillraceError(
    "NOT_SUPPORTED",
    `${channel.kind} "${channel.name}": ${option} is not supported by the driver "${driver.name}": ${instead}`,
  );
}

/** What the engine in this process can do, and how it refuses the rest. */
import { MillraceError } from "../../base/errors.js";
import type { Ability, ChannelSpec, Supports } from "../../driver.js";

const native: Ability = { level: "native" };

function refused(note: string): Ability {
  return { level: "refused", note };
}

export const supports: Supports = {
  queue: native,
  stream: native,
  topic: native,
  ephemeral: native,
  transactions: native,
  replay: native,
  groups: native,
  settleEach: native,
  peek: native,
  extendLease: native,
  dedup: native,
  once: native,
  capacity: native,
  /** Of messages sent to queues. */
  delay: native,
  /** Of queues that have declared `priorities`. */
  priority: native,
  perKeyOrder: native,
  expires: refused("this version keeps a queued message until it is settled. Compare message.sentAt in the handler"),
  compact: native,
};

/** @throws MillraceError NOT_SUPPORTED, naming the channel, the option, this driver and a way out. */
export function refuseUnsupported(spec: ChannelSpec, driver: string): void {
  const { expiresMs } = spec;
  const asked: readonly [boolean, string, keyof Supports][] = [
    [expiresMs !== undefined, `expires: ${expiresMs}`, "expires"],
  ];
  for (const [isAsked, option, ability] of asked) {
    const { level, note } = { note: "", ...supports[ability] };
    if (isAsked && level === "refused") throw notSupported(spec, `${option}, with the driver "${driver}"`, note);
  }
}

function notSupported(spec: ChannelSpec, what: string, note: string): MillraceError {
  return new MillraceError(
    "NOT_SUPPORTED",
    `the ${spec.kind} ${JSON.stringify(spec.name)} cannot have ${what}: ${note}`,
  );
}

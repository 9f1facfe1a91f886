/** What the engine in this process can do, and how it refuses the rest. */
import { MillraceError } from "../../base/errors.js";
import type { Ability, ChannelSpec, Supports } from "../../driver.js";

const native: Ability = { level: "native" };

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
  /** Of messages of queues, but for those with order per key. */
  expires: native,
  compact: native,
};

/** @throws MillraceError NOT_SUPPORTED, naming the channel, the option, this driver and a way out. */
export function refuseUnsupported(spec: ChannelSpec, driver: string): void {
  const { expiresMs, order } = spec;
  if (expiresMs === undefined || order === "none") return;
  const what = `the ${spec.kind} ${JSON.stringify(spec.name)} cannot have expires: ${expiresMs} together with order: "per-key", with the driver "${driver}"`;
  const way =
    "What has expired would have to hold up its key until it is buried. Compare message.sentAt in the handler";
  throw new MillraceError("NOT_SUPPORTED", `${what}: ${way}`);
}

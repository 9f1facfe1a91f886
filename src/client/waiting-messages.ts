import type { DriverAdmin, Supports } from "../driver.js";
import { describeHandling } from "./handling.js";
import type { Handling } from "./handling.js";

/**
 * What a consumer could be handed out now, in words; undefined when that is nothing, or when nobody can tell from outside: which of a group's
 * messages are for which of several members, and whether one waits behind others of its key.
 */
export async function messagesWaiting<T>(
  handling: Handling<T>,
  admin: DriverAdmin,
  supports: Supports,
): Promise<string | undefined> {
  const { channel, group } = handling;
  if (!channel.spec.durable) return undefined;
  if (channel.kind === "queue") {
    const { ready } = await admin.stats(channel.name);
    if (ready === 0 || (channel.spec.order === "per-key" && !(await firstIsReady()))) return undefined;
    return said(`${ready} messages wait`);
  }
  const members = (await admin.groups(channel.name)).find((each) => each.name === group)?.members;
  if (members !== 1 || !(await firstIsReady())) return undefined;
  return said("messages wait");

  /** The first not settled: when that is in a handler, or waits for its time, those behind it may have to wait for it. */
  async function firstIsReady(): Promise<boolean> {
    if (supports.peek.level === "refused") return false;
    const [first] = await admin.peek(channel.name, { group, limit: 1, after: undefined });
    return first?.state === "ready";
  }

  function said(what: string): string {
    return `${what}, and none has been handed out to the ${describeHandling(handling)}`;
  }
}

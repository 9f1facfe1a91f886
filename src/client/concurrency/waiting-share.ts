import type { DriverAdmin } from "../../driver.js";
import type { Handling } from "../handling.js";

/** How many messages wait for this consumer: of those that its group could be handed now, as many as there are for each of its members. */
export async function waitingShare<T>(handling: Handling<T>, admin: DriverAdmin): Promise<number> {
  const { channel, group } = handling;
  const { ready, inFlight, consumers } = await admin.stats(channel.name);
  if (channel.kind === "queue" || !channel.spec.durable) return ready / Math.max(1, consumers);
  const lags = await admin.lag(channel.name, group);
  const members = (await admin.groups(channel.name)).find((each) => each.name === group)?.members ?? 1;
  const behind = lags.reduce((sum, each) => sum + each.messages, 0);
  return Math.max(0, behind - inFlight) / Math.max(1, members);
}

/**
 * Rules are data: what is watched, and where the threshold is. An alert fires once, resolves once, and calls a function; a webhook
 * would be one more line.
 */
import { type Alert, open, queue, reject, silentLogger } from "millrace";

const orders = queue<number>("orders");

await using mill = await open("memory:", { logger: silentLogger });
const told: string[] = [];
const notify = ({ state, rule, value }: Alert): void => void told.push(`${state}: ${rule} (${value})`);

const alerts = mill.admin.alerts(
  [
    { when: "depth", channel: "orders", above: 10, resolveAt: 2, name: "orders pile up" },
    { when: "dead", name: "an order is dead" },
  ],
  { every: "1h", notify },
);

await mill.sendAll(
  orders,
  Array.from({ length: 20 }, (_, index) => index),
);
await alerts.check(); // looked at every hour here, so that the output is the same every time

const consumer = mill.handle(orders, (order) => (order === 13 ? reject("thirteen") : undefined), { concurrency: 5 });
while ((await mill.admin.stats(orders)).messages > 0) await new Promise((resolve) => setTimeout(resolve, 5));
await consumer.close();
await alerts.check();
console.log(`firing now: ${alerts.firing()[0]?.rule}`);

await mill.admin.dead(orders).drop({ all: true });
await alerts.check();
await new Promise((resolve) => setTimeout(resolve, 0));
for (const line of told) console.log(line);

// Output:
// firing now: an order is dead
// firing: orders pile up (20)
// resolved: orders pile up (0)
// firing: an order is dead (1)
// resolved: an order is dead (0)

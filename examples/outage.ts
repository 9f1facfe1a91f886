/**
 * The database is down, and every message fails with the same error. The consumer notices that this is no poison: it tries one
 * message at a time and counts no failure, so nothing dies. The first success ends it.
 */
import { fixed, open, queue, silentLogger } from "millrace";

const orders = queue<number>("orders", { attempts: 2, backoff: fixed("5ms") });

await using mill = await open("memory:", { logger: silentLogger });
let isDatabaseUp = false;
const stored: number[] = [];

const consumer = mill.handle(
  orders,
  async (order) => {
    if (!isDatabaseUp) throw new Error(`connect ECONNREFUSED 10.0.0.7:${5432 + order}`);
    stored.push(order);
  },
  { concurrency: 5, outage: { samples: 5, probe: fixed("10ms") } },
);

await mill.sendAll(
  orders,
  Array.from({ length: 100 }, (_, index) => index),
);
await until(() => (consumer.outage?.probes ?? 0) >= 3);
console.log(`state: ${consumer.state}`);
console.log(`because of: ${consumer.outage?.error.message.replace(/\d+$/, "5432")}`);
console.log(`dead letters: ${(await mill.admin.dead(orders).list()).length}`);

isDatabaseUp = true;
await until(() => stored.length === 100);
console.log(`state: ${consumer.state}, stored: ${stored.length}`);

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

// Output:
// state: probing
// because of: connect ECONNREFUSED 10.0.0.7:5432
// dead letters: 0
// state: running, stored: 100

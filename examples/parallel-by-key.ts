/**
 * Several events of one partition at once: with `concurrency`, events of one key are handled one after the other, those of different keys side by side.
 * What fails is parked: only its own key waits, and when it has failed too often it is a dead letter and its key goes on.
 */
import { fixed, open, stream } from "millrace";

interface Transfer {
  readonly account: string;
  readonly cents: number;
}

const transfers = stream<Transfer>("transfers", {
  partitions: 1,
  key: ({ account }) => account,
  attempts: 2,
  backoff: fixed("20ms"),
});

await using mill = await open("memory:", { logger: { debug() {}, info() {}, warn() {}, error() {} } });

let running = 0;
let most = 0;
const balances = new Map<string, number[]>();

await mill.sendAll(transfers, [
  { account: "ada", cents: 500 },
  { account: "bob", cents: -1 }, // nobody can book this one
  { account: "bob", cents: 700 },
  { account: "cyd", cents: 900 },
  { account: "ada", cents: -200 },
]);

const consumer = mill.handle(
  transfers,
  async ({ account, cents }) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    if (cents === -1) throw new Error("not a transfer");
    balances.set(account, [...(balances.get(account) ?? []), cents]);
  },
  { group: "ledger", concurrency: 8, onFailure: "park" },
);

await consumer.ready;
while ((await mill.admin.lag(transfers, "ledger"))[0]?.messages !== 0)
  await new Promise((resolve) => setTimeout(resolve, 5));

console.log(`${most} at once, of one partition`);
for (const [account, booked] of [...balances].toSorted(([one], [other]) => one.localeCompare(other)))
  console.log(`${account}: ${booked.join(", ")}`);
for (const letter of await mill.admin.dead(transfers, { group: "ledger" }).list()) {
  console.log(`dead: ${letter.message.value.account}, offset ${letter.origin.offset}, ${letter.error.message}`);
}

// Output:
// 3 at once, of one partition
// ada: 500, -200
// bob: 700
// cyd: 900
// dead: bob, offset 1, not a transfer

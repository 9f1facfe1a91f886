/** Why was this message not handled? Ask. */
import { fixed, open, queue, reject, silentLogger } from "millrace";

const orders = queue<{ customer: string }>("orders", {
  key: ({ customer }) => customer,
  order: "per-key",
  backoff: fixed("1h"),
});

await using mill = await open("memory:", { logger: silentLogger });
const [first, second, third, fourth] = await mill.sendAll(orders, [
  { customer: "ada" },
  { customer: "ada" },
  { customer: "bob" },
  { customer: "cyd" },
]);

const consumer = mill.handle(orders, ({ customer }) => {
  if (customer === "ada") throw new Error("the warehouse is closed");
  return customer === "bob" ? reject("no such customer") : undefined;
});
while ((await mill.admin.stats(orders)).messages > 2) await new Promise((resolve) => setTimeout(resolve, 5));
await consumer.close();

for (const receipt of [first, second, third, fourth]) {
  const { because } = await mill.admin.explain(receipt?.id ?? "");
  console.log(`${receipt?.id}: ${because.replaceAll(/\d{4}-\S+Z/g, "…")}`);
}
console.log((await mill.admin.explain("orders/0/99")).because);

// Output:
// orders/0/0: it waits until … for attempt 2
// orders/0/1: it waits until orders/0/0 is settled, which has to be before it (key "ada")
// orders/0/2: it is dead letter orders.dead/0/0 since …, reason "rejected", because of Rejected: no such customer
// orders/0/3: it is settled, not known when: done, dropped, or redriven under another id
// no message orders/0/99 is known in "orders": it was never sent there, or is settled and no longer kept

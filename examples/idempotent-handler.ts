/**
 * A message can come twice: sent again without an id, handled and not settled before a crash. With `once`, what a handler sends for a key goes
 * out once: the mark that it was done commits with the settlement and the message it sent.
 */
import { open, queue } from "millrace";

interface Order {
  readonly number: string;
  readonly euros: number;
}

const orders = queue<Order>("orders");
const invoices = queue<Order>("invoices");

await using mill = await open("memory:");

// The shop's page was loaded twice, and so the order came in twice: two messages, one order.
await mill.sendAll(orders, [
  { number: "o-1", euros: 30 },
  { number: "o-1", euros: 30 },
  { number: "o-2", euros: 45 },
]);

const consumer = mill.handle(
  orders,
  async (order, delivery) => {
    console.log(`writing an invoice for ${order.number}`);
    await delivery.send(invoices, order);
  },
  { once: { by: ({ value }) => value.number, keep: "7d" } },
);

while ((await mill.admin.stats(orders)).messages > 0) await new Promise((resolve) => setTimeout(resolve, 5));
await consumer.close();
console.log("invoices:", (await mill.admin.peek(invoices)).map(({ value }) => value.number).join(", "));

// Output:
// writing an invoice for o-1
// writing an invoice for o-2
// invoices: o-1, o-2

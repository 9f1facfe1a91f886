/**
 * What a handler sends through its delivery goes out in the same commit that settles the message, or not at all:
 * an attempt that fails sends nothing, and a crash cannot come between the two. So a step of a pipeline neither loses nor doubles its output.
 */
import { fixed, open, queue } from "millrace";

const orders = queue<string>("orders", { backoff: fixed("5ms") });
const invoices = queue<string>("invoices");

await using mill = await open("memory:");

mill.handle(
  orders,
  async (order, delivery) => {
    await delivery.send(invoices, `invoice for ${order}, of attempt ${delivery.attempt}`);
    console.log(`attempt ${delivery.attempt} has staged its invoice`);
    if (delivery.attempt < 3) throw new Error("failed after sending");
  },
  { guarantee: "transactional" }, // refuses a broker that could not keep this promise
);

const invoice = new Promise<string>((resolve) => {
  mill.handle(invoices, resolve);
});
await mill.send(orders, "a lamp");
console.log(await invoice);
console.log(`invoices waiting: ${(await mill.admin.stats(invoices)).ready}`);

// Output:
// attempt 1 has staged its invoice
// attempt 2 has staged its invoice
// attempt 3 has staged its invoice
// invoice for a lamp, of attempt 3
// invoices waiting: 0

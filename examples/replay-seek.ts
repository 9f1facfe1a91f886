/**
 * A bug fixed: the group goes back to where it began to go wrong, and works through the history again. What it had handled before comes with
 * `delivery.replay`, so that nobody gets a second mail. Any operator may do this while the handler is at work: `millrace seek` is the same.
 */
import { open, stream } from "millrace";

const orders = stream<{ item: string; cents: number }>("orders", { partitions: 1 });

await using mill = await open("memory:");

let isFixed = false;
let revenue = 0;
let mails = 0;
let handled = 0;

mill.handle(
  orders,
  ({ cents }, { replay }) => {
    revenue += isFixed ? cents / 100 : cents; // the bug: cents were taken for whole units
    if (!replay) mails += 1;
    handled += 1;
  },
  { group: "revenue" },
);

await mill.sendAll(orders, [
  { item: "lamp", cents: 1000 },
  { item: "chair", cents: 2500 },
]);
await until(() => handled === 2);
console.log(`with the bug: ${revenue}, ${mails} mails`);

isFixed = true;
revenue = 0;
const [move] = await mill.admin.seek(orders, "revenue", "earliest");
console.log(`moved from offset ${move?.from} to ${move?.to}`);
await mill.send(orders, { item: "table", cents: 9000 });
await until(() => handled === 5);
console.log(`after the fix: ${revenue}, ${mails} mails`);

async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await new Promise((resolve) => setImmediate(resolve));
}

// Output:
// with the bug: 3500, 2 mails
// moved from offset 2 to 0
// after the fix: 125, 3 mails

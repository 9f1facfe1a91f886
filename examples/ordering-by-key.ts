/**
 * One message of each key at a time, in order; the keys side by side. A key whose message fails waits for it, and holds up
 * nobody else. Messages without a key wait for nobody.
 */
import { fixed, open, queue } from "millrace";

interface Step {
  readonly order: string;
  readonly step: string;
}

const steps = queue<Step>("steps", { order: "per-key", key: ({ order }) => order, backoff: fixed("100ms") });

await using mill = await open("memory:");
await mill.sendAll(steps, [
  { order: "A", step: "pay" },
  { order: "A", step: "pack" },
  { order: "A", step: "ship" },
  { order: "B", step: "pay" },
  { order: "B", step: "pack" },
]);

let left = 5;
const consumer = mill.handle(
  steps,
  ({ order, step }, { attempt }) => {
    if (order === "A" && step === "pay" && attempt === 1) {
      console.log("A pay fails");
      throw new Error("the bank is away");
    }
    console.log(order, step);
    if (--left === 0) void consumer.close();
  },
  { concurrency: 10 },
);
await consumer.closed;

// Output:
// A pay fails
// B pay
// B pack
// A pay
// A pack
// A ship

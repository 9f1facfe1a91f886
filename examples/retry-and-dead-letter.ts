/**
 * A handler that throws gets its message again after a pause, up to `attempts` times. Then the message is a dead letter:
 * kept with its reason and last error, to be looked at, sent again once the cause is repaired, or dropped.
 */
import { done, fixed, open, queue, reject } from "millrace";

interface Order {
  readonly item: string;
  readonly amount: number;
}

const orders = queue<Order>("orders", { attempts: 3, backoff: fixed("5ms") });

await using mill = await open("memory:");
let warehouseOpen = false;

const shipped: string[] = [];
mill.handle(orders, async ({ item, amount }, delivery) => {
  if (amount <= 0) return reject(`nobody can ship ${amount}`); // never will: no retry
  console.log(`${item}, attempt ${delivery.attempt}`);
  if (!warehouseOpen) throw new Error("the warehouse is closed");
  shipped.push(item);
  return done();
});

await mill.sendAll(orders, [
  { item: "lamp", amount: 1 },
  { item: "hole", amount: 0 },
]);

const dead = mill.admin.dead(orders);
const letters = await until(
  () => dead.list(),
  (list) => list.length === 2,
);
for (const letter of letters.toSorted((a, b) => a.attempts - b.attempts)) {
  console.log(
    `dead: ${letter.message.value.item}, ${letter.reason}, attempts ${letter.attempts}, "${letter.error.message}"`,
  );
}

warehouseOpen = true;
const redriven = await dead.redrive({ all: true, reason: "attempts" });
await until(
  async () => shipped,
  (items) => items.includes("lamp"),
);
console.log(`redriven and shipped: ${redriven}`);
console.log(`dead letters left: ${(await dead.list()).length}`);

/** Asks until the answer is right. A real program would not wait for dead letters: it would be told of the first by the log. */
async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// Output:
// lamp, attempt 1
// lamp, attempt 2
// lamp, attempt 3
// dead: hole, rejected, attempts 1, "nobody can ship 0"
// dead: lamp, attempts, attempts 3, "the warehouse is closed"
// lamp, attempt 1
// redriven and shipped: 1
// dead letters left: 1

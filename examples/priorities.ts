/**
 * What is urgent overtakes what waits: a queue with priorities hands out the higher ones first.
 * With a share, every so many deliveries one begins from below, so that the lowest are not left waiting for ever.
 */
import { open, queue } from "millrace";

const mails = queue<string>("mails", { priorities: 3 });
const fair = queue<string>("fair", { priorities: { levels: 2, share: 0.25 } });

await using mill = await open("memory:");

async function handled(channel: typeof mails, count: number): Promise<string[]> {
  const seen: string[] = [];
  const consumer = mill.handle(channel, (value) => {
    seen.push(value);
    if (seen.length === count) void consumer.close();
  });
  await consumer.closed;
  return seen;
}

await mill.send(mails, "newsletter"); // 1, the lowest, when nothing is said
await mill.send(mails, "receipt", { priority: 2 });
await mill.send(mails, "password reset", { priority: 3 });
console.log(await handled(mails, 3));

await mill.sendAll(fair, ["low", "low"]);
await mill.sendAll(fair, ["high", "high", "high", "high"], { priority: 2 });
console.log(await handled(fair, 6));

// Output:
// [ 'password reset', 'receipt', 'newsletter' ]
// [ 'high', 'high', 'high', 'low', 'high', 'low' ]

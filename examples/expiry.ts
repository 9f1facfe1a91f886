/**
 * What comes too late is of no use: a message may expire, by the age that its queue allows or by a time of its own. It is never
 * handled after that; it becomes a dead letter with the reason "expired", or is dropped and counted, also while nobody handles the queue.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { open, queue } from "millrace";

const codes = queue<string>("codes", { expires: "10m", deadLetter: { alertAt: 1_000 } });
const prices = queue<number>("prices", { expires: { after: "50ms", whenExpired: "drop" } });

await using mill = await open("memory:");

await mill.send(codes, "123456");
await mill.send(codes, "654321", { expires: "50ms" });
await mill.sendAll(prices, [99, 98]);
await sleep(200);

for (const { message, reason } of await mill.admin.dead(codes).list())
  console.log(`${message.value} is dead: ${reason}`);
console.log("prices dropped:", (await mill.admin.stats(prices)).dropped);

const consumer = mill.handle(codes, (code) => {
  console.log("handled:", code);
  void consumer.close();
});
await consumer.closed;

// Output:
// 654321 is dead: expired
// prices dropped: 2
// handled: 123456

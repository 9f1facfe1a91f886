/**
 * A topic gives every subscriber a copy. Durable (the default): each group gets every message, also those sent while it was away.
 * Not durable: whoever listens gets what is sent meanwhile, nothing is stored, and a slow listener loses the oldest.
 */
import { open, topic } from "millrace";

const alerts = topic<string>("alerts");
const prices = topic<string>("prices", { durable: false });

/** Handles until `count` messages have come, then closes: as a process that stops would. */
async function listen(group: string, count: number): Promise<string[]> {
  const heard: string[] = [];
  let enough = (): void => {};
  const all = new Promise<void>((resolve) => (enough = resolve));
  const consumer = mill.handle(alerts, (alert) => void (heard.push(alert) === count && enough()), { group });
  await all;
  await consumer.close();
  return heard;
}

await using mill = await open("memory:");

await mill.send(alerts, "disk almost full");
console.log("pager:", await listen("pager", 1));
await mill.send(alerts, "disk full"); // nobody listens now
console.log("pager, back again:", await listen("pager", 1));
console.log("chat, a group of its own:", await listen("chat", 2));

await mill.send(prices, "1.10 before anybody listens: gone");
const heard: string[] = [];
const display = mill.handle(prices, (price) => void heard.push(price));
await display.ready;
await mill.send(prices, "1.20");
await mill.send(prices, "1.30");
await display.close();
console.log("display:", heard);

// Output:
// pager: [ 'disk almost full' ]
// pager, back again: [ 'disk full' ]
// chat, a group of its own: [ 'disk almost full', 'disk full' ]
// display: [ '1.20', '1.30' ]

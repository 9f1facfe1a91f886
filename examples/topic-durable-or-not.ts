/**
 * A topic gives every subscriber a copy. Durable (the default): each group gets every message sent from its first
 * subscription on, also while it is away. Not durable: whoever listens gets what is sent meanwhile, nothing is stored, and a slow listener loses the oldest.
 */
import { open, topic } from "millrace";

const alerts = topic<string>("alerts");
const prices = topic<string>("prices", { durable: false });

/** Subscribes, handles until `count` messages have come, and closes: as a process does that comes and goes. */
async function listen(group: string, count: number): Promise<string[]> {
  const heard: string[] = [];
  let enough = (): void => {};
  const all = new Promise<void>((resolve) => (enough = resolve));
  const consumer = mill.handle(
    alerts,
    (alert) => {
      heard.push(alert);
      if (heard.length === count) enough();
    },
    { group },
  );
  await consumer.ready;
  if (count > 0) await all;
  await consumer.close();
  return heard;
}

await using mill = await open("memory:");

await listen("chat", 0); // a group exists from its first subscription on
await mill.send(alerts, "disk almost full");
console.log("pager:", await listen("pager", 1)); // a first group may come late: until there is one, everything is kept
await mill.send(alerts, "disk full"); // nobody is here now
console.log("pager, back again:", await listen("pager", 1));
console.log("chat, back again:", await listen("chat", 2));

await mill.send(prices, "1.10 before anybody listens: gone");
const heard: string[] = [];
await new Promise<void>((resolve) => {
  const display = mill.handle(prices, (price) => {
    heard.push(price);
    if (heard.length === 2) resolve();
  });
  void display.ready.then(() => mill.sendAll(prices, ["1.20", "1.30"]));
});
console.log("display:", heard);

// Output:
// pager: [ 'disk almost full' ]
// pager, back again: [ 'disk full' ]
// chat, back again: [ 'disk almost full', 'disk full' ]
// display: [ '1.20', '1.30' ]

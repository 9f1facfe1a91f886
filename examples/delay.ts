/**
 * A message may wait for its time: for so long, or until a date. Until then it is in the queue, on the disk, and can be listed and
 * taken back; nobody is handed it early, whatever happens to the process or to the wall clock.
 */
import { open, queue } from "millrace";

const reminders = queue<string>("reminders");

await using mill = await open("memory:");

await mill.send(reminders, "stand up", { delay: "50ms" });
await mill.send(reminders, "sit down again", { at: new Date(Date.now() + 100) });
const { id } = await mill.send(reminders, "renew the passport", { delay: "365d" });

for (const { value, state, attempts } of await mill.admin.peek(reminders, { state: "delayed" }))
  console.log(`${value}: ${state}, attempts: ${attempts}`);

console.log("taken back:", (await mill.admin.cancel(reminders, [id])).length);

let seen = 0;
const consumer = mill.handle(reminders, (value) => {
  console.log(value);
  if (++seen === 2) void consumer.close();
});
await consumer.closed;

// Output:
// stand up: delayed, attempts: 0
// sit down again: delayed, attempts: 0
// renew the passport: delayed, attempts: 0
// taken back: 1
// stand up
// sit down again

/**
 * `close` takes no more messages, lets running handlers finish and be settled, and closes the files. Whatever is longer than `drain`
 * is told by its signal, and its message goes to whoever comes next. What has not begun stays in the queue.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { open, queue } from "millrace";

const jobs = queue<{ name: string; ms: number }>("jobs");

const mill = await open("./data");
await mill.sendAll(jobs, [
  { name: "short", ms: 20 },
  { name: "endless", ms: 60_000 },
  { name: "not begun", ms: 0 },
]);

let started = 0;
await new Promise<void>((resolve) => {
  mill.handle(
    jobs,
    async (job, delivery) => {
      if (++started === 2) resolve();
      await sleep(job.ms, undefined, { signal: delivery.signal }); // throws when the signal aborts
      console.log(`finished: ${job.name}`);
    },
    { concurrency: 2 },
  );
});

// In a service: process.once("SIGTERM", () => mill.close({ drain: "10s" }))
await mill.close({ drain: "200ms" });

await using again = await open("./data");
for (const waiting of await again.admin.peek(jobs)) console.log(`still there: ${waiting.value.name}`);

// Output:
// finished: short
// still there: endless
// still there: not begun

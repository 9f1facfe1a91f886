/**
 * A token bucket: so many in the long run, and some at once after a pause. Here a mail service takes 20 messages a second and
 * bears 3 at once. What is over the limit waits in the queue; a handler is never begun too early.
 */
import { open, queue, tokenBucket } from "millrace";

const emails = queue<string>("emails");

await using mill = await open("memory:");
await mill.sendAll(emails, ["ada", "grace", "barbara", "edsger", "tony"]);

const startMs = performance.now();
const begunMs: number[] = [];
const all = new Promise<void>((resolve) => {
  mill.handle(
    emails,
    (name) => {
      begunMs.push(performance.now() - startMs);
      console.log(`a mail to ${name}`);
      if (begunMs.length === 5) resolve();
    },
    { concurrency: 10, rate: tokenBucket({ limit: 20, every: "1s", burst: 3 }) },
  );
});
await all;

// 50 ms for each of the two that the burst did not cover. Timers are never early, and may be late.
console.log(`the fourth waited for its token: ${(begunMs[3] ?? 0) >= 49}, the fifth too: ${(begunMs[4] ?? 0) >= 99}`);

// Output:
// a mail to ada
// a mail to grace
// a mail to barbara
// a mail to edsger
// a mail to tony
// the fourth waited for its token: true, the fifth too: true

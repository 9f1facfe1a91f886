/**
 * Concurrency that follows the load: it begins with `min`, grows as messages wait and handlers take long, and would give places back when there is
 * nothing to do. `admin.consumers` shows what it is at.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { open, queue } from "millrace";

const thumbnails = queue<number>("thumbnails");

await using mill = await open("memory:");
await mill.sendAll(
  thumbnails,
  Array.from({ length: 60 }, (_, index) => index),
);

let left = 60;
let atWork = 0;
let most = 0;
const all = new Promise<void>((resolve) => {
  mill.handle(
    thumbnails,
    async () => {
      most = Math.max(most, ++atWork);
      await sleep(150);
      atWork -= 1;
      if (--left === 0) resolve();
    },
    { concurrency: { min: 2, max: 16 } },
  );
});
console.log(`places at the start: ${await places()}`);
await all;
console.log(`at most ${most > 2 && most <= 16 ? "as many as there was work for" : most} at once`);

async function places(): Promise<number | undefined> {
  await sleep(10);
  return mill.admin.consumers()[0]?.places;
}

// Output:
// places at the start: 2
// at most as many as there was work for at once

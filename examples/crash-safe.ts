/**
 * A process that is killed loses nothing it had acknowledged. This program starts itself as a child, which sends and handles,
 * and ends itself with SIGKILL: no handler runs, no buffer is flushed. Then it opens the same directory and looks.
 */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { open, queue } from "millrace";

const jobs = queue<string>("jobs");

if (process.argv[2] === "child") await sendAndDie();

const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "child"], { encoding: "utf8" });
process.stdout.write(child.stdout);
console.log(`the child ended with ${child.signal}`);

await using mill = await open("./data"); // takes over the lock of the dead process
const found: string[] = [];
await new Promise<void>((resolve) => {
  mill.handle(jobs, (job, delivery) => {
    found.push(`${job}, attempt ${delivery.attempt}`);
    if (found.length === 2) resolve();
  });
});
console.log(found.toSorted().join("\n"));

async function sendAndDie(): Promise<void> {
  const doomed = await open("./data");
  await doomed.sendAll(jobs, ["one", "two", "three"]);
  const consumer = doomed.handle(jobs, async (job) => {
    if (job === "one") return; // done
    process.stdout.write(`the child was handling "${job}"\n`);
    // Settlements and attempts go to disk with the next commit, a moment later: a kill before it would bring "one" again, too.
    await sleep(200);
    process.kill(process.pid, "SIGKILL");
  });
  await consumer.closed;
}

// Output:
// the child was handling "two"
// the child ended with SIGKILL
// three, attempt 1
// two, attempt 2

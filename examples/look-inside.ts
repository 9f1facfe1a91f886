/**
 * Looking changes nothing: what waits, how much, for how long, and how far each group is behind.
 */
import { open, queue, stream } from "millrace";

const jobs = queue<string>("jobs");
const events = stream<string>("events", { partitions: 1 });

await using mill = await open("memory:");
await mill.sendAll(jobs, ["sweep", "mop"]);
await mill.sendAll(events, ["a", "b", "c"]);
await new Promise<void>((resolve) => {
  const consumer = mill.handle(
    events,
    () => {
      consumer.pause(); // takes one and no more
      resolve();
    },
    { group: "slow" },
  );
});

const channels = (await mill.admin.channels()).toSorted((a, b) => a.name.localeCompare(b.name));
for (const { name, kind, partitions } of channels) console.log(`${kind} ${name}, partitions: ${partitions}`);
const { ready, inFlight } = await mill.admin.stats(jobs);
console.log(`jobs: ${ready} ready, ${inFlight} in flight`);
for (const { value, state } of await mill.admin.peek(jobs)) console.log(`${value} is ${state}`);
for (const { partition, end } of await mill.admin.lag(events, "slow"))
  console.log(`slow reads partition ${partition}, which ends at ${end}`);

// Output:
// stream events, partitions: 1
// queue jobs, partitions: 1
// jobs: 2 ready, 0 in flight
// sweep is ready
// mop is ready
// slow reads partition 0, which ends at 3

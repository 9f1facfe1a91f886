/**
 * A stream read like a queue: with settle "each" every message is settled by itself. What fails is retried while the rest goes on, and more
 * handlers can be at work than there are partitions. Other groups read the same stream in order.
 */
import { fixed, open, stream } from "millrace";

const pictures = stream<string>("pictures", { partitions: 1, attempts: 2, backoff: fixed("50ms") });

await using mill = await open("memory:");
await mill.sendAll(pictures, ["cat", "broken", "dog", "fox"]);

let left = 5;
const thumbnails = mill.handle(
  pictures,
  (name, { attempt }) => {
    console.log(name, attempt);
    if (--left === 0) void thumbnails.close();
    if (name === "broken") throw new Error("cannot be read");
  },
  { group: "thumbnails", settle: "each", concurrency: 3 },
);
await thumbnails.closed;
console.log(await mill.admin.lag(pictures, "thumbnails"));

// Output:
// cat 1
// broken 1
// dog 1
// fox 1
// broken 2
// [ { partition: 0, committed: 4n, end: 4n, messages: 0, ms: 0 } ]

/**
 * A leaky bucket: evenly spaced, whatever came before; here for each tenant by itself. A tenant with a backlog does not hold up
 * the others: its messages are put off until it is their turn, and that does not count as an attempt.
 */
import { leakyBucket, open, queue } from "millrace";

interface Report {
  readonly tenant: string;
  readonly page: number;
}

const reports = queue<Report>("reports");

await using mill = await open("memory:");
await mill.sendAll(reports, [
  { tenant: "busy", page: 1 },
  { tenant: "busy", page: 2 },
  { tenant: "busy", page: 3 },
  { tenant: "quiet", page: 1 },
]);

let left = 4;
const all = new Promise<void>((resolve) => {
  mill.handle(
    reports,
    ({ tenant, page }, { attempt }) => {
      console.log(`${tenant}, page ${page}, attempt ${attempt}`);
      if (--left === 0) resolve();
    },
    { rate: leakyBucket({ limit: 10, every: "1s", per: (report) => report.tenant }) },
  );
});
await all;

// Output:
// busy, page 1, attempt 1
// quiet, page 1, attempt 1
// busy, page 2, attempt 1
// busy, page 3, attempt 1

/**
 * A fixed window on the side that sends: 3 messages an hour, as a quota says it. `whenOver: "reject"` refuses what is over it and says when
 * to come again; without it, a send waits for its turn. The limit can be changed while it is in use.
 */
import { fixedWindow, hasCode, open, queue, rateLimit } from "millrace";

const alerts = queue<string>("alerts");
const quota = fixedWindow<string>({ limit: 3, every: "1h" });
const limited = rateLimit(alerts, quota, { whenOver: "reject" });

await using mill = await open("memory:");

for (const text of ["disk 80 %", "disk 85 %", "disk 90 %", "disk 95 %"]) {
  try {
    await mill.send(limited, text);
    console.log(`sent: ${text}`);
  } catch (error) {
    if (!hasCode(error, "RATE_LIMITED")) throw error;
    const minutes = Math.ceil((error.retryAfterMs ?? 0) / 60_000);
    console.log(`refused: ${text}; again in ${minutes} minutes`);
  }
}

quota.set({ limit: 10 });
await mill.send(limited, "disk 99 %");
console.log("sent: disk 99 %, under the new quota");

// Output:
// sent: disk 80 %
// sent: disk 85 %
// sent: disk 90 %
// refused: disk 95 %; again in 60 minutes
// sent: disk 99 %, under the new quota

/** The same with 1 KB: what copying and checksums cost. */
import { contest, rate } from "../contest.js";
import { BatchSends, byteQueue } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { LmdbPuts } from "../peers/lmdb.js";
import { PlainjobSends } from "../peers/plainjob.js";
import { SqliteSends } from "../peers/sqlite.js";
import { syncedBatches } from "../yardsticks.js";

const values = byteValues(1_000);

export const sendAll1kb = contest({
  name: "send-all-1kb",
  measures: [
    {
      name: "send-all-1kb",
      title: "sendAll of 1,000 × 1 KB, 4 in flight",
      unit: "messages/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.6, aim: 1.2 },
    },
  ],
  yardstick: () => syncedBatches(1_000),
  subject: () => new BatchSends({ channels: [byteQueue("messages")], values, inFlight: 4 }),
  peers: async () => [
    new SqliteSends({ values, transaction: 1_000 }),
    new LmdbPuts({ values, encoding: "binary", together: 1_000, inFlight: 4 }),
    new PlainjobSends({ values, together: 1_000 }),
  ],
});

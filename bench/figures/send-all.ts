/** `sendAll` of 1,000, four in flight: what the log takes when nothing is per message but the record. */
import { contest, rate } from "../contest.js";
import { BatchSends, byteQueue } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { LmdbPuts } from "../peers/lmdb.js";
import { PlainjobSends } from "../peers/plainjob.js";
import { SqliteSends } from "../peers/sqlite.js";
import { syncedBatches } from "../yardsticks.js";

const values = byteValues(100);

export const sendAll = contest({
  name: "send-all",
  measures: [
    {
      name: "send-all",
      title: "sendAll of 1,000 × 100 B, 4 in flight",
      unit: "messages/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.7, aim: 1.5 },
    },
  ],
  yardstick: () => syncedBatches(100),
  subject: () => new BatchSends({ channels: [byteQueue("messages")], values, inFlight: 4 }),
  peers: async () => [
    new SqliteSends({ values, transaction: 1_000 }),
    new LmdbPuts({ values, encoding: "binary", together: 1_000, inFlight: 4 }),
    new PlainjobSends({ values, together: 1_000 }),
  ],
});

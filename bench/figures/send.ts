/** `send` of one after the other, a thousand in flight: what a promise and a position per message cost. */
import { contest, rate } from "../contest.js";
import { SingleSends, byteQueue } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { LmdbPuts } from "../peers/lmdb.js";
import { PlainjobSends } from "../peers/plainjob.js";
import { SqliteSends } from "../peers/sqlite.js";
import { syncedBatches } from "../yardsticks.js";

const values = byteValues(100);

export const send = contest({
  name: "send",
  measures: [
    {
      name: "send",
      title: "send one by one, 1,000 in flight, 100 B",
      unit: "messages/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.4, aim: 0.8 },
    },
  ],
  yardstick: () => syncedBatches(100),
  subject: () => new SingleSends({ channels: [byteQueue("messages")], values, inFlight: 1_000 }),
  peers: async () => [
    new SqliteSends({ values, transaction: 1 }),
    new LmdbPuts({ values, encoding: "binary", together: 250, inFlight: 4 }),
    new PlainjobSends({ values, together: 1 }),
  ],
});

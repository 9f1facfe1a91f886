/** `handle` with a handler that does nothing: what a lease, a delivery and a settlement cost. */
import { contest, rate } from "../contest.js";
import { Handles } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { PlainjobHandles } from "../peers/plainjob.js";
import { SqliteHandles } from "../peers/sqlite.js";
import { syncedBatches } from "../yardsticks.js";

const values = byteValues(100);

export const handle = contest({
  name: "handle",
  measures: [
    {
      name: "handle",
      title: "handle and settle, 100 B, concurrency 256",
      unit: "messages/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.25, aim: 0.5 },
    },
  ],
  yardstick: () => syncedBatches(100),
  subject: () => new Handles(values, { concurrency: 256 }),
  peers: async () => [new SqliteHandles({ values, transaction: 1 }), new PlainjobHandles(values)],
});

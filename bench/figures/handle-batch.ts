/** `handleBatch` of 500: the same without a call per message. */
import { contest, rate } from "../contest.js";
import { Handles } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { SqliteHandles } from "../peers/sqlite.js";
import { syncedBatches } from "../yardsticks.js";

const values = byteValues(100);

export const handleBatch = contest({
  name: "handle-batch",
  measures: [
    {
      name: "handle-batch",
      title: "handleBatch of 500 and settle, 100 B",
      unit: "messages/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.5, aim: 1 },
    },
  ],
  yardstick: () => syncedBatches(100),
  subject: () => new Handles(values, { batch: 500 }),
  peers: async () => [new SqliteHandles({ values, transaction: 1_000 })],
});

/** One `send` at a time: what stands between a caller and the disk. */
import { contest } from "../contest.js";
import { LoneSends, byteQueue } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { LmdbPuts } from "../peers/lmdb.js";
import { SqliteSends } from "../peers/sqlite.js";
import { quantile } from "../statistics.js";
import { syncedPages } from "../yardsticks.js";

const values = byteValues(100);

export const sendLatency = contest({
  name: "send-latency",
  measures: [
    {
      name: "send-latency-p50",
      title: "one send at a time, 100 B: p50",
      unit: "ms",
      summarise: (samples) => quantile(samples, 0.5),
      target: { of: "ratio", direction: "at most", bound: 2, aim: 1.3 },
    },
    {
      name: "send-latency-p99",
      title: "one send at a time, 100 B: p99",
      unit: "ms",
      summarise: (samples) => quantile(samples, 0.99),
      target: { of: "ratio", direction: "at most", bound: 4, aim: 2 },
    },
  ],
  yardstick: syncedPages,
  subject: () => new LoneSends(byteQueue("messages"), values[0] as Uint8Array),
  peers: async () => [
    new SqliteSends({ values, transaction: 1 }, true),
    new LmdbPuts({ values, encoding: "binary", together: 1, inFlight: 1 }, true),
  ],
});

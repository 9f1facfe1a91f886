/** The same with objects: what JSON costs. */
import { type Queue, queue } from "millrace";
import { contest, rate } from "../contest.js";
import { SingleSends, capacity } from "../millrace.js";
import { type Email, emailValues } from "../payloads.js";
import { LmdbPuts } from "../peers/lmdb.js";
import { PlainjobSends } from "../peers/plainjob.js";
import { SqliteSends } from "../peers/sqlite.js";
import { syncedBatches } from "../yardsticks.js";

const values = emailValues();
const emails: Queue<Email> = queue<Email>("emails", { capacity });

export const sendJson = contest({
  name: "send-json",
  measures: [
    {
      name: "send-json",
      title: "send one by one, 1,000 in flight, 100 B JSON",
      unit: "messages/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.2, aim: 0.3 },
    },
  ],
  yardstick: () => syncedBatches(100),
  subject: () => new SingleSends({ channels: [emails], values, inFlight: 1_000 }),
  peers: async () => [
    new SqliteSends({ values, encode: JSON.stringify, transaction: 1 }),
    new LmdbPuts({ values, encoding: "json", together: 250, inFlight: 4 }),
    new PlainjobSends({ values, together: 1 }),
  ],
});

/** Ids that are compared, against ids that are only stored. All of them are new. */
import { contest, rate } from "../contest.js";
import { atLeastHalf, emptied, queueWithIds, Sendings, value } from "../semantics.js";

function sendings(name: string, window: "5m" | 0): Sendings {
  const channel = queueWithIds(name, window);
  return new Sendings({
    name: `millrace-${name}`,
    inFlight: 1_000,
    send: (mill, count) => mill.send(channel, value(count)),
    empty: (mill, sent) => emptied(mill, channel, sent),
  });
}

export const dedup = contest({
  name: "dedup",
  measures: [
    {
      name: "dedup",
      title: "ids compared, against ids stored",
      unit: "messages/s",
      summarise: rate,
      target: atLeastHalf,
    },
  ],
  yardstick: () => sendings("stored", 0),
  subject: () => sendings("compared", "5m"),
});

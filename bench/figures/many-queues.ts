/** Sends to 10,000 queues in turn, against the same sends to one: the log is shared, so channels should cost little. */
import { contest, rate } from "../contest.js";
import { SingleSends, byteQueue } from "../millrace.js";
import { byteValues } from "../payloads.js";

const values = byteValues(100);
const inFlight = 1_000;

export const manyQueues = contest({
  name: "many-queues",
  measures: [
    {
      name: "many-queues",
      title: "10,000 queues in turn, against one",
      unit: "messages/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.5, aim: 0.8 },
    },
  ],
  yardstick: () => new SingleSends({ channels: [byteQueue("only")], values, inFlight }, "millrace-one-queue"),
  subject: () => {
    const channels = Array.from({ length: 10_000 }, (_, index) => byteQueue(`queue-${index}`));
    return new SingleSends({ channels, values, inFlight }, "millrace-10k-queues");
  },
});

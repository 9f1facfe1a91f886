/** The same by batches: without a turn of the iterator for each message. */
import { contest, rate } from "../contest.js";
import { FileReads, StreamReads } from "../history.js";

export const readBatches = contest({
  name: "read-batches",
  measures: [
    {
      name: "read-batches",
      title: "the same by batches",
      unit: "GB/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.3, aim: 0.5 },
    },
  ],
  yardstick: () => new FileReads(),
  subject: () => new StreamReads("batches"),
});

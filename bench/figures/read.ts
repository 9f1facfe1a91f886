/** `read` of a stream from its segments, by a reader that looks at no value: against reading just such files. */
import { contest, rate } from "../contest.js";
import { FileReads, StreamReads } from "../history.js";

export const read = contest({
  name: "read",
  measures: [
    {
      name: "read",
      title: "stream read, 1 KB from disk, values not looked at",
      unit: "GB/s",
      summarise: rate,
      target: { of: "ratio", direction: "at least", bound: 0.3, aim: 0.5 },
    },
  ],
  yardstick: () => new FileReads(),
  subject: () => new StreamReads("messages"),
});

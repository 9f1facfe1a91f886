/** Messages that have all become due at the same moment, against messages that were never delayed. */
import { contest, rate } from "../contest.js";
import { byteQueue } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { atLeastHalf, Drains, plainDrain } from "../semantics.js";

const values = byteValues(100);
const concurrency = 256;

export const delayedFiring = contest({
  name: "delayed-firing",
  measures: [
    {
      name: "delayed-firing",
      title: "messages due at once, against never delayed",
      unit: "messages/s",
      summarise: rate,
      target: atLeastHalf,
    },
  ],
  yardstick: () => plainDrain(concurrency),
  subject: () => {
    const channel = byteQueue("delayed");
    return new Drains({
      name: "millrace-delayed",
      fill: async (mill, messages) => {
        // Long enough to have sent them all before the first is due.
        const at = new Date(Date.now() + 200 + messages / 20);
        for (let filled = 0; filled < messages; filled += values.length) await mill.sendAll(channel, values, { at });
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, at.getTime() - Date.now())));
      },
      handle: (mill, handled) => [mill.handle(channel, () => handled(1), { concurrency })],
    });
  },
});

/** Ten priorities with as many messages each, against none. */
import { bytes, queue } from "millrace";
import { contest, rate } from "../contest.js";
import { capacity } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { atLeastHalf, Drains, plainDrain } from "../semantics.js";

const levels = 10;
const values = byteValues(100).slice(0, 100);
const concurrency = 256;

export const priorities = contest({
  name: "priorities",
  measures: [
    {
      name: "priorities",
      title: "ten priorities, against none",
      unit: "messages/s",
      summarise: rate,
      target: atLeastHalf,
    },
  ],
  yardstick: () => plainDrain(concurrency),
  subject: () => {
    const channel = queue("prioritised", { codec: bytes, capacity, priorities: levels });
    return new Drains({
      name: "millrace-priorities",
      fill: async (mill, messages) => {
        for (let filled = 0; filled < messages; filled += values.length) {
          await mill.sendAll(channel, values, { priority: 1 + ((filled / values.length) % levels) });
        }
      },
      handle: (mill, handled) => [mill.handle(channel, () => handled(1), { concurrency })],
    });
  },
});

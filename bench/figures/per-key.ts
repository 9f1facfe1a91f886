/** Order per key with 100,000 keys, against a queue without order. */
import { bytes, queue } from "millrace";
import { contest, rate } from "../contest.js";
import { capacity } from "../millrace.js";
import { byteValues } from "../payloads.js";
import { atLeastHalf, Drains } from "../semantics.js";

const keys = 100_000;
const batchSize = 1_000;
/** A hundred batches of a thousand, each value with a key of its own. */
const values = Array.from({ length: keys / batchSize }, () => byteValues(100));
const keyed = {
  codec: bytes,
  capacity,
  key: (value: Uint8Array) => Buffer.from(value.buffer, value.byteOffset, 6).toString("hex"),
};

function drains(name: string, order: "none" | "per-key"): Drains {
  const channel = queue(name, { ...keyed, order });
  return new Drains({
    name: `millrace-${name}`,
    fill: async (mill, messages) => {
      for (let filled = 0; filled < messages; filled += batchSize) {
        await mill.sendAll(channel, values[(filled / batchSize) % values.length] ?? []);
      }
    },
    handle: (mill, handled) => [mill.handle(channel, () => handled(1), { concurrency: 256 })],
  });
}

export const perKey = contest({
  name: "per-key",
  measures: [
    {
      name: "per-key",
      title: "order per key, 100,000 keys, against none",
      unit: "messages/s",
      summarise: rate,
      target: atLeastHalf,
    },
  ],
  yardstick: () => drains("unordered", "none"),
  subject: () => drains("per-key", "per-key"),
});

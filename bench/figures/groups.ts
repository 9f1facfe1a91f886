/** Six members of a group that share six partitions, against one member that has them all. */
import { bytes, stream } from "millrace";
import { contest, rate } from "../contest.js";
import { atLeastHalf, Drains, fillWith } from "../semantics.js";

const partitions = 6;

function drains(members: number): Drains {
  const channel = stream("events", { codec: bytes, partitions, key: (value: Uint8Array) => `${value[0]}` });
  return new Drains({
    name: `millrace-${members}-members`,
    fill: (mill, messages) => fillWith(mill, channel, messages),
    handle: (mill, handled) =>
      Array.from({ length: members }, () =>
        mill.handle(channel, () => handled(1), { group: "workers", concurrency: partitions / members }),
      ),
  });
}

export const groups = contest({
  name: "groups",
  measures: [
    {
      name: "groups",
      title: "6 members over 6 partitions, against 1",
      unit: "messages/s",
      summarise: rate,
      target: atLeastHalf,
    },
  ],
  yardstick: () => drains(1),
  subject: () => drains(partitions),
});

/** Sends to a full queue that drops its oldest message for each, against sends to one with room. */
import { bytes, queue } from "millrace";
import { contest, rate } from "../contest.js";
import { atLeastHalf, plainSendings, Sendings, value } from "../semantics.js";

const inFlight = 1_000;

export const capacityDrop = contest({
  name: "capacity-drop",
  measures: [
    {
      name: "capacity-drop",
      title: "dropping the oldest for each, against none",
      unit: "messages/s",
      summarise: rate,
      target: atLeastHalf,
    },
  ],
  yardstick: () => plainSendings(inFlight),
  subject: () => {
    const channel = queue("full", { codec: bytes, capacity: { messages: 10_000, whenFull: "drop-oldest" } });
    return new Sendings({
      name: "millrace-dropping",
      inFlight,
      send: (mill, count) => mill.send(channel, value(count)),
      empty: async () => {},
    });
  },
});

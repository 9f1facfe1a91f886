/** Sends that are due in an hour, against sends that are due at once. They are cancelled afterwards. */
import { contest, rate } from "../contest.js";
import { byteQueue } from "../millrace.js";
import { atLeastHalf, plainSendings, Sendings, value } from "../semantics.js";

const inFlight = 1_000;
/** Spread over an hour, so that they are not due in the order they were sent in. */
const delays = Array.from({ length: 1_009 }, (_, index) => ({ delay: 3_600_000 + ((index * 7_919) % 3_600_000) }));

export const delayedSend = contest({
  name: "delayed-send",
  measures: [
    {
      name: "delayed-send",
      title: "sends due in an hour, against sends due now",
      unit: "messages/s",
      summarise: rate,
      target: atLeastHalf,
    },
  ],
  yardstick: () => plainSendings(inFlight),
  subject: () => {
    const channel = byteQueue("delayed");
    return new Sendings({
      name: "millrace-delayed",
      inFlight,
      send: (mill, count) => mill.send(channel, value(count), delays[count % delays.length]),
      // They stay: a backlog of delayed messages is what it is about.
      empty: async () => {},
    });
  },
});

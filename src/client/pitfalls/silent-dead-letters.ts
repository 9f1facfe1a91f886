import { defaults } from "../defaults.js";
import type { Pitfall } from "../pitfall.js";
import { inWords } from "../time-in-words.js";

export const silentDeadLetters: Pitfall = {
  look({ name, declared, dead }) {
    const { alertLate, deadForgottenMs } = defaults.doctor;
    const alertAt = declared?.spec.durable === true ? declared.policy.deadLetter.alertAt : 0;
    if (alertAt > alertLate) {
      return {
        what: `nobody is told before it has ${alertAt.toLocaleString("en-US")} dead letters`,
        remedy: "lower deadLetter.alertAt: the first one already says that something is wrong",
      };
    }
    if (dead.messages === 0 || dead.oldestMs < deadForgottenMs) return undefined;
    return {
      what: `it has ${dead.messages.toLocaleString("en-US")} dead letters, the oldest for ${inWords(dead.oldestMs)}`,
      remedy: `look at them with "millrace dead list ${name}", then redrive or drop them`,
    };
  },
};

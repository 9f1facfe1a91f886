import { defaults } from "../defaults.js";
import type { Pitfall } from "../pitfall.js";
import { inWords } from "../time-in-words.js";
import { worstCaseMs } from "../worst-case.js";

export const shortRetries: Pitfall = {
  look({ declared }) {
    if (declared === undefined || !declared.spec.durable) return undefined;
    const { attempts } = declared.policy;
    if (attempts === 1) {
      return {
        what: "the first failure makes a message a dead letter",
        remedy: "give it a few attempts, unless no second one could succeed: most failures are over in a minute",
      };
    }
    const pausesMs = worstCaseMs(declared, { timeout: 1 });
    if (pausesMs >= defaults.doctor.retriesShortMs) return undefined;
    return {
      what: `all ${attempts} attempts are over within ${inWords(pausesMs)}: what fails for a minute is a dead letter`,
      remedy: 'let the pauses grow, such as backoff: exponential("1s", "5m")',
    };
  },
};

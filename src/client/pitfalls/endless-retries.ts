import { defaults } from "../defaults.js";
import type { Pitfall } from "../pitfall.js";
import { inWords } from "../time-in-words.js";
import { worstCaseMs } from "../worst-case.js";

export const endlessRetries: Pitfall = {
  look({ declared }) {
    if (declared === undefined || !declared.spec.durable) return undefined;
    const { attempts } = declared.policy;
    const { attemptsMany, retriesLongMs } = defaults.doctor;
    // The handlers' own time is not the policy's fault.
    const pausesMs = worstCaseMs(declared, { timeout: 1 });
    if (attempts <= attemptsMany && pausesMs <= retriesLongMs) return undefined;
    return {
      what: `a message that cannot be handled is tried ${attempts} times, for up to ${inWords(pausesMs)}, before it is a dead letter`,
      remedy: "lower attempts or the longest pause of backoff: a dead letter can be redriven once its cause is mended",
    };
  },
};

import type { Pitfall } from "../pitfall.js";
import { inWords } from "../time-in-words.js";

export const shortLease: Pitfall = {
  look({ declared, handlerMs }) {
    if (declared === undefined || !declared.spec.durable || handlerMs === undefined) return undefined;
    const { leaseMs } = declared.policy;
    if (handlerMs < leaseMs) return undefined;
    return {
      what: `its lease is ${inWords(leaseMs)} and a handler takes ${inWords(handlerMs)}: one that keeps the process busy loses its message to another`,
      remedy:
        "make lease longer than a handler takes, or let the handler give up the event loop so that the lease can be renewed",
    };
  },
};

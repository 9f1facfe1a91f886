import { defaults } from "../defaults.js";
import type { Pitfall } from "../pitfall.js";

export const keylessOrder: Pitfall = {
  look({ spec, declared, waiting }) {
    if (spec.order !== "per-key" && !spec.compact) return undefined;
    const keyless = waiting.filter(({ key }) => key === undefined).length;
    const isSampled = waiting.length >= defaults.doctor.sampleLeast;
    const mostHaveNone = isSampled
      ? keyless > waiting.length / 2
      : declared !== undefined && declared.key === undefined;
    if (!mostHaveNone) return undefined;
    const asked = spec.compact ? "is to keep the last message of each key" : "is to keep the order of each key";
    return {
      what: `it ${asked}, and ${isSampled ? `${keyless} of ${waiting.length} messages have none` : "has no key function"}`,
      remedy: "give the channel a key: (value) => …, or each send a key",
    };
  },
};

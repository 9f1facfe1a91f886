import { defaults } from "../defaults.js";
import type { Examined, Pitfall } from "../pitfall.js";

export const hotKey: Pitfall = {
  look(examined) {
    const { spec, waiting } = examined;
    const { sampleLeast, hotShare } = defaults.doctor;
    const hasOrder = spec.order === "per-key" || (spec.kind === "stream" && spec.partitions > 1);
    if (!hasOrder || waiting.length < sampleLeast) return undefined;
    const { key, count } = mostFrequent(examined);
    if (key === undefined || count < waiting.length * hotShare) return undefined;
    const share = Math.round((100 * count) / waiting.length);
    return {
      what: `${share} % of what waits has the key ${JSON.stringify(key)}: its messages are handled one after the other, whatever else is idle`,
      remedy: "choose a finer key, such as the order instead of the customer, where order is only needed within that",
    };
  },
};

function mostFrequent({ waiting }: Examined): { key: string | undefined; count: number } {
  const counts = new Map<string, number>();
  let most: { key: string | undefined; count: number } = { key: undefined, count: 0 };
  for (const { key } of waiting) {
    if (key === undefined) continue;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count > most.count) most = { key, count };
  }
  return most;
}

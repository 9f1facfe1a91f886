import type { Pitfall } from "../pitfall.js";

/** More than any machine holds is as good as no bound. */
const boundlessFrom = 1_000_000_000;

export const unbounded: Pitfall = {
  look({ spec }) {
    const isBounded = spec.kind === "queue" || !spec.durable;
    const { messages, bytes } = spec.capacity;
    if (!isBounded || messages < boundlessFrom || bytes !== Infinity) return undefined;
    return {
      what: "it has no capacity that could be reached: when consumers stop, it grows until the disk is full",
      remedy:
        'give it a capacity in messages or bytes, and say what happens when it is full: "block", "reject" or a "drop-…"',
    };
  },
};

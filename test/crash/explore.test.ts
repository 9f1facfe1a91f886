import { expect, test } from "vitest";
import { campaign } from "./campaign.js";
import { describe as list } from "./operations.js";

/** Another one each week would find more; this one finds the same again. */
const seed = 20_26;
const states = 200_000;

test(
  `whatever a crash leaves of ${states} programs' disks keeps every promise (seed ${seed})`,
  { timeout: 900_000 },
  async () => {
    const result = await campaign({ states, seed });
    const { failure } = result;
    const shown =
      failure === undefined ? "" : `${failure.what}\n${failure.shortest.what}\n${list(failure.shortest.operations)}`;
    expect(shown).toBe("");
    expect(result.states).toBeGreaterThanOrEqual(states);
  },
);

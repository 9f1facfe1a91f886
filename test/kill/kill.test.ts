import { expect, test } from "vitest";
import { kill } from "./kill.js";

test(
  "a process killed a hundred times at random moments loses nothing it acknowledged",
  { timeout: 180_000 },
  async () => {
    const seed = 20_261;
    const { wrong, kills, acknowledged } = await kill(100, seed, () => {});
    expect(wrong, `seed ${seed}`).toEqual([]);
    expect(kills).toBe(100);
    expect(acknowledged).toBeGreaterThan(1_000);
  },
);

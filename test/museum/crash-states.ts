/**
 * Explores the crashes of one workload, as `test/crash` does with thousands: for pieces that it takes a crash to see.
 * Such a piece names "workload <number> of seed <seed>" as its test, as `npm run crash` prints it.
 */
import { test } from "vitest";
import { campaign } from "../crash/campaign.js";
import { readPieces } from "./piece.js";

const names = readPieces("test/museum/pieces").map(({ caughtBy }) => caughtBy.test);
const workloads = new Set(names.filter((name) => /^workload \d+ of seed \d+$/.test(name)));

test.each([...workloads])("%s", { timeout: 60_000 }, async (name) => {
  const [workload, seed] = name.match(/\d+/g)?.map(Number) ?? [];
  const { failure } = await campaign({ states: Number.POSITIVE_INFINITY, seed: seed ?? 0, workload: workload ?? 0 });
  if (failure !== undefined) throw new Error(failure.what);
});

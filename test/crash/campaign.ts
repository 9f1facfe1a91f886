/** All short sequences of operations, then random long ones, until enough states were judged. */
import { type Random, seededRandom } from "../../src/base/random.js";
import type { SimulatedDisk } from "../../src/disk/simulated.js";
import { Explorer, type Failure, preparedDisk } from "./explorer.js";
import { alphabet, type Operation, randomOperation } from "./operations.js";
import { shorten } from "./shorten.js";

export interface CampaignOptions {
  readonly states: number;
  readonly seed: number;
  readonly report?: (line: string) => void;
}

export interface CampaignResult {
  readonly states: number;
  readonly sequences: number;
  readonly seconds: number;
  /** With the shortest operations that still show it. */
  readonly failure: Failure | undefined;
}

const reportEveryMs = 5_000;

export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const base = await preparedDisk();
  const explorer = new Explorer({ seed: options.seed, stylesPerCall: 1, recoveryCrashEvery: 40 });
  const begunMs = performance.now();
  let saidMs = begunMs;
  let sequences = 0;
  for (const operations of workloads(seededRandom(options.seed), () => explorer.states < options.states)) {
    const failure = await explorer.explore(base, operations);
    sequences++;
    if (failure !== undefined) return { ...totals(), failure: await shorten(failure, (shorter) => again(base, shorter)) };
    if (performance.now() - saidMs > reportEveryMs) {
      saidMs = performance.now();
      options.report?.(`${explorer.states} states, ${sequences} sequences, ${Math.round(explorer.states / totals().seconds)} states/s`);
    }
  }
  return { ...totals(), failure: undefined };

  function totals(): { states: number; sequences: number; seconds: number } {
    return { states: explorer.states, sequences, seconds: (performance.now() - begunMs) / 1000 };
  }
}

/** Every call of a shorter workload is crashed in several ways, since its calls are not those of the longer one. */
async function again(base: SimulatedDisk, operations: readonly Operation[]): Promise<Failure | undefined> {
  return new Explorer({ seed: 1, stylesPerCall: 11, recoveryCrashEvery: 10 }).explore(base, operations);
}

function* workloads(random: Random, more: () => boolean): Generator<readonly Operation[]> {
  for (const sequence of sequencesUpTo(3)) yield sequence;
  while (more()) {
    const length = 5 + Math.floor(random() * 40);
    yield Array.from({ length }, () => randomOperation(random));
  }
}

function* sequencesUpTo(length: number): Generator<readonly Operation[]> {
  if (length === 0) return;
  yield* sequencesUpTo(length - 1);
  yield* sequencesOf(length, []);
}

function* sequencesOf(length: number, before: readonly Operation[]): Generator<readonly Operation[]> {
  if (before.length === length) {
    yield before;
    return;
  }
  for (const operation of alphabet) yield* sequencesOf(length, [...before, operation]);
}

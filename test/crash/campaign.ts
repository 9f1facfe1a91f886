/** All short sequences of operations, then random long ones, until enough states were judged. */
import { seededRandom } from "../../src/base/random.js";
import {
  Explorer,
  type Failure,
  fullThoroughness,
  noCrash,
  prepareStage,
  type Stage,
  type Thoroughness,
  usualThoroughness,
} from "./explorer.js";
import type { Operation } from "./operations.js";
import { type Scene, sceneOf, scenes, shortSequences } from "./scenes.js";
import { shorten } from "./shorten.js";
import { randomWorkload } from "./workloads.js";

export interface CampaignOptions {
  readonly states: number;
  readonly seed: number;
  /** Only this one of the campaign's workloads. */
  readonly workload?: number;
  /** Only what happens in the scene of this name. */
  readonly scene?: string;
  readonly report?: (line: string) => void;
}

export interface CampaignResult {
  readonly states: number;
  readonly workloads: number;
  readonly seconds: number;
  readonly failure: CampaignFailure | undefined;
}

export interface CampaignFailure extends Failure {
  /** Its number in this campaign. */
  readonly workload: number;
  /** With the fewest operations that still show a failure. */
  readonly shortest: Failure;
}

interface Workload {
  readonly scene: Scene;
  readonly operations: readonly Operation[];
  readonly how: Thoroughness;
}

const shortThoroughness: Thoroughness = {
  ...usualThoroughness,
  callShare: 1,
  stylesPerCall: 2,
  lastOperationOnly: true,
};
const reportEveryMs = 5_000;

export async function campaign({
  states: enough,
  seed,
  workload: only,
  scene: onlyScene,
  report,
}: CampaignOptions): Promise<CampaignResult> {
  const stages = new Map<Scene, Stage>();
  for (const scene of scenes) stages.set(scene, await prepareStage(scene));
  const begunMs = performance.now();
  let saidMs = begunMs;
  let states = 0;
  let number = 0;
  const totals = (): { states: number; workloads: number; seconds: number } => ({
    states,
    workloads: number,
    seconds: (performance.now() - begunMs) / 1000,
  });
  for (const { scene, operations, how } of workloads(seed, () => states < enough)) {
    const workload = number++;
    if ((only !== undefined && workload !== only) || (onlyScene !== undefined && scene.name !== onlyScene)) continue;
    const stage = stages.get(scene) as Stage;
    const explorer = new Explorer(how, seedOf(seed, workload));
    const failure = await explorer.explore(stage, operations);
    states += explorer.states;
    if (failure !== undefined)
      return { ...totals(), failure: { ...failure, workload, shortest: await shortest(stage, failure) } };
    if (workload === only) break;
    if (performance.now() - saidMs < reportEveryMs) continue;
    saidMs = performance.now();
    report?.(`${states} states, ${number} workloads, ${Math.round(states / totals().seconds)} states/s`);
  }
  return { ...totals(), failure: undefined };
}

/** Every call of the workload, in many ways. */
export async function replay(
  operations: readonly Operation[],
): Promise<{ readonly states: number; readonly failure: Failure | undefined }> {
  const explorer = new Explorer(fullThoroughness, 1);
  const failure = await explorer.explore(await prepareStage(sceneOf(operations)), operations);
  return { states: explorer.states, failure };
}

export async function shortest(stage: Stage, failure: Failure): Promise<Failure> {
  // The calls of a shorter workload are not those of the longer one, so each is crashed, in the way that showed it.
  const how =
    failure.style === noCrash
      ? { ...fullThoroughness, stylesPerCall: 0 }
      : { ...fullThoroughness, styles: [failure.style], stylesPerCall: 3 };
  return shorten(failure, (operations) => new Explorer(how, 1).explore(stage, operations));
}

/** Each begins from a seed of its own, so that it can be run again without those before it. */
function* workloads(seed: number, more: () => boolean): Generator<Workload> {
  let number = 0;
  for (const scene of scenes) {
    for (const operations of shortSequences(scene)) {
      number++;
      yield { scene, operations, how: shortThoroughness };
    }
  }
  while (more()) {
    const scene = scenes[number % scenes.length] as Scene;
    const operations = randomWorkload(scene, seededRandom(seedOf(seed, number++)));
    yield { scene, operations, how: usualThoroughness };
  }
}

function seedOf(seed: number, workload: number): number {
  return (Math.imul(seed, 0x9e3779b1) + workload) >>> 0;
}

/**
 * Runs a workload once, forks the disk at every call that can change what a crash leaves behind, and opens each fork
 * as the next process would. Some of those recoveries are crashed in turn, at every call of theirs; and some forks lose
 * their power once more when they have been opened and read: what a process has been shown must not go.
 */
import { type Random, seededRandom } from "../../src/base/random.js";
import { type CrashStyleName, crashStyles, SimulatedDisk } from "../../src/disk/simulated.js";
import { discover, type Discovered } from "./discovery.js";
import { factsFrom } from "./facts.js";
import type { Facts, Promised, SentMessage } from "./history.js";
import { judge } from "./judge.js";
import type { Operation } from "./operations.js";
import type { Scene } from "./scenes.js";
import { inWords } from "./station.js";
import { dedupMs } from "./subject.js";
import { World } from "./world.js";

export interface Failure {
  readonly operations: readonly Operation[];
  /** Where it crashed: the number of the call to the disk. */
  readonly call: number;
  readonly style: string;
  readonly what: string;
}

export interface Thoroughness {
  /** How many ways to crash at each call; 0: only what needs no crash is looked for. */
  readonly stylesPerCall: number;
  /** Which part of the calls is crashed at. */
  readonly callShare: number;
  /** In turn. "kill" is only tried at the end. */
  readonly styles: readonly string[];
  /** Only while the last operation runs: shorter workloads have explored what comes before it. */
  readonly lastOperationOnly: boolean;
  /** One in so many recoveries is crashed at each of its calls. */
  readonly recoveryCrashEvery: number;
  /** One in so many forks is crashed again after it was opened and read. */
  readonly secondCrashEvery: number;
}

export const noCrash = "no crash";
const kill = "kill";
const allStyles = Object.keys(crashStyles);

export const usualThoroughness: Thoroughness = {
  stylesPerCall: 1,
  callShare: 1 / 3,
  styles: allStyles,
  lastOperationOnly: false,
  recoveryCrashEvery: 40,
  secondCrashEvery: 10,
};

export const fullThoroughness: Thoroughness = {
  ...usualThoroughness,
  callShare: 1,
  stylesPerCall: 11,
  recoveryCrashEvery: 10,
  secondCrashEvery: 2,
};

/** One in so many discoveries also closes: that costs as much as all the rest. */
const closeEvery = 16;

/** A directory with the channels of a scene, as every workload of it finds it. */
export interface Stage {
  readonly scene: Scene;
  readonly disk: SimulatedDisk;
}

interface Fork {
  readonly scene: Scene;
  readonly disk: SimulatedDisk;
  readonly promised: Promised;
  readonly call: number;
  readonly style: string;
  /** The recovery was crashed, so it is a recovery's recovery. */
  readonly again: boolean;
}

/** Explores one workload. The same seed does the same. */
export class Explorer {
  readonly #how: Thoroughness;
  readonly #random: Random;
  #styleTurn: number;
  #turn: number;
  /** Crash states that were opened and judged. */
  states = 0;

  constructor(how: Thoroughness, seed: number) {
    this.#how = how;
    this.#random = seededRandom(seed);
    // Short workloads, one after the other, have different turns.
    this.#styleTurn = seed;
    this.#turn = seed;
  }

  /** undefined: every crash of this workload keeps every promise. */
  async explore({ scene, disk: base }: Stage, operations: readonly Operation[]): Promise<Failure | undefined> {
    const disk = base.afterKill();
    const world = new World(disk, scene);
    const forks: Fork[] = [];
    let failure: Failure | undefined;
    const judgeForks = async (): Promise<boolean> => {
      failure ??= await this.#firstFailure(forks.splice(0), operations);
      return failure === undefined;
    };
    const first = this.#how.lastOperationOnly ? operations.slice(0, -1) : [];
    try {
      await world.open();
      disk.faults = (call) => world.faults.meet(call);
      await world.run(first);
      disk.faults = (call) => {
        if (call.changes && this.#random() < this.#how.callShare) this.#fork(forks, { disk, world, call: call.number });
        return world.faults.meet(call);
      };
      await world.run(operations.slice(first.length), judgeForks);
    } catch (error) {
      return { operations, call: disk.calls, style: noCrash, what: inWords(error) };
    }
    disk.faults = undefined;
    if (world.failure !== undefined) return { operations, call: disk.calls, style: noCrash, what: world.failure };
    if (this.#how.stylesPerCall > 0) this.#forkAtEnd(forks, { disk, world, call: disk.calls });
    world.end();
    await judgeForks();
    return failure;
  }

  #fork(forks: Fork[], { disk, world, call }: { disk: SimulatedDisk; world: World; call: number }): void {
    for (let count = 0; count < this.#how.stylesPerCall; count++) {
      const style = this.#nextStyle();
      const { scene, promised } = world;
      forks.push({ scene, disk: this.#crashed(disk, style), promised, call, style, again: false });
    }
  }

  #forkAtEnd(forks: Fork[], at: { disk: SimulatedDisk; world: World; call: number }): void {
    this.#fork(forks, at);
    const { disk, world, call } = at;
    const { scene, promised } = world;
    forks.push({ scene, disk: disk.afterKill(), promised, call, style: kill, again: false });
  }

  async #firstFailure(forks: readonly Fork[], operations: readonly Operation[]): Promise<Failure | undefined> {
    for (const fork of forks) {
      const what = await this.#judge(fork);
      if (what !== undefined) return { operations, call: fork.call, style: fork.style, what };
    }
    return undefined;
  }

  async #judge(fork: Fork): Promise<string | undefined> {
    const turn = this.#turn++;
    const again: Fork[] = [];
    const { disk, promised } = fork;
    if (!fork.again && turn % this.#how.recoveryCrashEvery === 0) {
      disk.faults = (call) => {
        if (call.changes)
          again.push({ ...fork, disk: this.#crashed(disk, this.#nextStyle()), call: call.number, again: true });
        return undefined;
      };
    }
    // Always when only the process died: nothing but recovery makes what the page cache held durable then.
    const goesOn = fork.style === kill || turn % this.#how.secondCrashEvery === 0;
    const send = goesOn ? furtherMessages(fork.scene, promised) : [];
    const found = await this.#open(fork, { close: turn % closeEvery === 0, send });
    if (typeof found === "string") return found;
    const { expected, wrong } = judge(promised, found);
    if (wrong !== undefined) return wrong;
    for (const next of again) {
      const failed = await this.#judge(next);
      if (failed !== undefined) return `after a crash at call ${next.call} of the recovery: ${failed}`;
    }
    if (!goesOn) return undefined;
    const facts = factsFrom(expected, found, { handed: true });
    return this.#judgeAgain({ ...fork, promised: promisedBy(facts, found) });
  }

  /** What it was shown, and what it sent, must still be there when the power fails afterwards. */
  async #judgeAgain(fork: Fork): Promise<string | undefined> {
    const style = this.#nextStyle();
    const next = { ...fork, disk: this.#crashed(fork.disk, style), style, again: true };
    const found = await this.#open(next, { close: false, send: [] });
    const wrong = typeof found === "string" ? found : judge(fork.promised, found).wrong;
    return wrong === undefined ? undefined : `opened, read, sent to, and crashed again (${style}): ${wrong}`;
  }

  async #open(
    { scene, disk, promised }: Fork,
    then: { readonly close: boolean; readonly send: readonly SentMessage[] },
  ): Promise<Discovered | string> {
    this.states++;
    const recovered = (): void => {
      disk.faults = undefined;
    };
    try {
      return await discover(disk, { scene, nowMs: promised.nowMs, recovered, ...then });
    } catch (error) {
      return `it cannot be opened and read: ${inWords(error)}`;
    }
  }

  #crashed(disk: SimulatedDisk, style: CrashStyleName): SimulatedDisk {
    return disk.afterCrash(style, this.#random, { capacityBytes: Number.POSITIVE_INFINITY });
  }

  #nextStyle(): CrashStyleName {
    const styles = this.#how.styles.filter((style) => style !== kill);
    return (styles[this.#styleTurn++ % styles.length] ?? "everything") as CrashStyleName;
  }
}

function promisedBy(facts: Facts, { further, nowMs }: Discovered): Promised {
  return { facts, history: further, happened: further.length, nowMs };
}

/** One for each channel; and one with an id that must still count. */
function furtherMessages(scene: Scene, { history, happened, nowMs, facts }: Promised): SentMessage[] {
  const sent = new Map(facts.messages);
  for (const happening of history.slice(0, happened)) {
    if (happening.what !== "sent" && happening.what !== "settled") continue;
    const messages = happening.what === "sent" ? happening.messages : happening.sends;
    for (const message of messages) sent.set(message.number, message);
  }
  let number = Math.max(0, ...sent.keys());
  const message = { key: "k", atMs: nowMs, moved: false };
  const further: SentMessage[] = scene.channels.map((channel) => ({ ...message, channel, number: ++number }));
  const last = [...sent.values()].findLast(({ id, atMs }) => id !== undefined && nowMs < atMs + dedupMs / 2);
  return last === undefined
    ? further
    : [...further, { ...message, channel: last.channel, id: last.id, number: ++number }];
}

export async function prepareStage(scene: Scene): Promise<Stage> {
  const disk = new SimulatedDisk();
  const world = new World(disk, scene);
  await world.open();
  await world.close();
  return { scene, disk };
}

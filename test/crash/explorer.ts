/**
 * Runs a workload once, forks the disk at every call that can change what a crash leaves behind, and opens each fork
 * as the next process would. Some of those recoveries are crashed in turn, at every call of theirs.
 */
import { type Random, seededRandom } from "../../src/base/random.js";
import { crashStyles, type CrashStyleName } from "../../src/disk/simulated/crash-style.js";
import { SimulatedDisk } from "../../src/disk/simulated.js";
import { discover } from "./discovery.js";
import { Expectation, type Happening } from "./history.js";
import { judge } from "./judge.js";
import type { Operation } from "./operations.js";
import { Subject } from "./subject.js";
import { World } from "./world.js";

export interface Exploration {
  /** Crash states that were opened and judged. */
  states: number;
  readonly failure: Failure | undefined;
}

export interface Failure {
  readonly operations: readonly Operation[];
  readonly call: number;
  readonly style: string;
  /** The recovery was crashed too, at this call of its. */
  readonly recoveryCall: number | undefined;
  readonly what: string;
}

export interface ExplorerOptions {
  readonly seed: number;
  /** How many ways to crash at each call. */
  readonly stylesPerCall: number;
  /** One in so many recoveries is crashed at each of its calls. */
  readonly recoveryCrashEvery: number;
}

interface Fork {
  readonly disk: SimulatedDisk;
  readonly history: readonly Happening[];
  /** How much of the history had happened. */
  readonly happened: number;
  readonly call: number;
  readonly style: string;
  readonly recoveryCall: number | undefined;
}

const styleNames = Object.keys(crashStyles) as CrashStyleName[];

export class Explorer {
  readonly #options: ExplorerOptions;
  readonly #random: Random;
  #styleTurn = 0;
  #recoveryTurn = 0;
  states = 0;

  constructor(options: ExplorerOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  /** undefined: every crash of this workload keeps every promise. */
  async explore(base: SimulatedDisk, operations: readonly Operation[]): Promise<Failure | undefined> {
    const forks: Fork[] = [];
    const disk = base.afterKill();
    const world = new World(new Subject(disk));
    try {
      await world.open();
      disk.faults = (call) => {
        if (call.changes) forks.push(...this.#fork(disk, world, call.number));
        return undefined;
      };
      await world.run(operations);
    } catch (error) {
      return { operations, call: disk.calls, style: "no crash", recoveryCall: undefined, what: `the workload failed: ${String(error)}` };
    }
    disk.faults = undefined;
    if (world.failure !== undefined) return { operations, call: disk.calls, style: "no crash", recoveryCall: undefined, what: `the workload failed: ${String(world.failure)}` };
    forks.push(...this.#fork(disk, world, disk.calls), this.#kill(disk, world));
    world.end();
    for (const fork of forks) {
      const what = await this.#judge(fork);
      if (what !== undefined) return { operations, ...fork, what };
    }
    return undefined;
  }

  #fork(disk: SimulatedDisk, world: World, call: number): Fork[] {
    const forks: Fork[] = [];
    for (let count = 0; count < this.#options.stylesPerCall; count++) {
      const style = styleNames[this.#styleTurn++ % styleNames.length] as CrashStyleName;
      forks.push({ disk: disk.afterCrash(style, this.#random), history: world.history, happened: world.history.length, call, style, recoveryCall: undefined });
    }
    return forks;
  }

  #kill(disk: SimulatedDisk, world: World): Fork {
    return { disk: disk.afterKill(), history: world.history, happened: world.history.length, call: disk.calls, style: "kill", recoveryCall: undefined };
  }

  async #judge(fork: Fork): Promise<string | undefined> {
    const crashRecovery = fork.recoveryCall === undefined && this.#recoveryTurn++ % this.#options.recoveryCrashEvery === 0;
    const again: Fork[] = [];
    const { disk } = fork;
    if (crashRecovery) {
      disk.faults = (call) => {
        if (call.changes) again.push({ ...fork, disk: disk.afterCrash(this.#nextStyle(), this.#random), recoveryCall: call.number });
        return undefined;
      };
    }
    this.states++;
    const what = await this.#open(fork);
    if (what !== undefined) return what;
    for (const next of again) {
      const failed = await this.#judge(next);
      if (failed !== undefined) return `after a crash at call ${next.recoveryCall} of the recovery: ${failed}`;
    }
    return undefined;
  }

  async #open(fork: Fork): Promise<string | undefined> {
    try {
      const found = await discover(fork.disk, () => {
        fork.disk.faults = undefined;
      });
      return judge(new Expectation(fork.history, fork.happened), found);
    } catch (error) {
      return `it cannot be opened and read: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    }
  }

  #nextStyle(): CrashStyleName {
    return styleNames[this.#styleTurn++ % styleNames.length] as CrashStyleName;
  }
}

/** A directory with its channels, as every workload finds it. */
export async function preparedDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const world = new World(new Subject(disk));
  await world.open();
  await world.close();
  return disk;
}

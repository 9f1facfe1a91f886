/**
 * Contenders do the same work in turn: A B C A B C … A round is short, so what disturbs the machine disturbs all of them;
 * the medians over the rounds are compared.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Figure, Line, Result, Setting } from "./figure.js";
import { profiled } from "./profile.js";
import { median, spread } from "./statistics.js";

export interface Contender {
  /** Names its directory too. */
  readonly name: string;
  /** Not measured. The directory is its own, and empty. */
  open(directory: string): Promise<void>;
  /** Before each round; not measured. Fills or empties what the round works on. */
  prepare?(seconds: number): Promise<void>;
  /** Works for about `seconds` and returns what it saw: one rate, or one time for each operation. */
  round(seconds: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** A line, and how it is read out of the samples. */
export interface Measure extends Line {
  readonly summarise: (samples: readonly number[]) => number;
}

export interface Contest {
  readonly name: string;
  readonly measures: readonly Measure[];
  readonly subject: () => Contender;
  readonly yardstick: () => Contender;
  /** Asked for only with `--peers`; rejects when they are not installed. */
  readonly peers?: () => Promise<readonly Contender[]>;
}

export function contest(definition: Contest): Figure {
  return {
    name: definition.name,
    lines: definition.measures,
    run: (setting) => runContest(definition, setting),
  };
}

/** The rounds of one contender, each with its samples. */
export interface Rounds {
  readonly contender: Contender;
  readonly rounds: (readonly number[])[];
}

async function runContest(definition: Contest, setting: Setting): Promise<readonly Result[]> {
  if (setting.profile !== undefined) return profileSubject(definition.subject(), setting.profile, setting);
  const peers = setting.peers && definition.peers !== undefined ? await definition.peers() : [];
  const contenders = [definition.yardstick(), definition.subject(), ...peers];
  const [yardstick, subject, ...others] = await alternate(contenders, setting);
  if (yardstick === undefined || subject === undefined) throw new Error("a contest needs two");
  return definition.measures.flatMap((measure) => [
    compare(measure, subject, yardstick),
    ...others.map((peer) => compare(againstPeer(measure, peer.contender.name), subject, peer)),
  ]);
}

/** Opens them, lets each warm up, and lets them work in turn. */
export async function alternate(contenders: readonly Contender[], setting: Setting): Promise<Rounds[]> {
  const seconds = setting.seconds / setting.rounds;
  const records = contenders.map((contender): Rounds => ({ contender, rounds: [] }));
  const opened: Contender[] = [];
  try {
    for (const contender of contenders) {
      const directory = join(setting.directory, contender.name);
      mkdirSync(directory, { recursive: true });
      setting.progress(`${contender.name}: warming up`);
      await contender.open(directory);
      opened.push(contender);
      await warmUp(contender, seconds);
    }
    for (let round = 1; round <= setting.rounds; round++) {
      for (const { contender, rounds } of records) {
        setting.progress(`round ${round} of ${setting.rounds}: ${contender.name}`);
        await contender.prepare?.(seconds);
        // What one leaves behind as garbage must not be collected at another's expense.
        globalThis.gc?.();
        rounds.push(await contender.round(seconds));
      }
    }
  } finally {
    for (const contender of opened) await contender.close();
  }
  return records;
}

async function warmUp(contender: Contender, seconds: number): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await contender.prepare?.(seconds);
    await contender.round(seconds);
  }
}

async function profileSubject(subject: Contender, path: string, setting: Setting): Promise<readonly Result[]> {
  await subject.open(setting.directory);
  try {
    await warmUp(subject, setting.seconds / 2);
    await subject.prepare?.(setting.seconds);
    for (const line of await profiled(() => subject.round(setting.seconds), path)) console.log(line);
  } finally {
    await subject.close();
  }
  return [];
}

function compare(measure: Measure, subject: Rounds, yardstick: Rounds): Result {
  const { summarise, ...line } = measure;
  const value = summarise(subject.rounds.flat());
  const reference = summarise(yardstick.rounds.flat());
  const ratios = subject.rounds.map((samples, round) => summarise(samples) / summarise(yardstick.rounds[round] ?? []));
  return {
    ...line,
    value,
    yardstick: reference,
    yardstickName: yardstick.contender.name,
    ratio: value / reference,
    ratioSpread: spread(ratios),
  };
}

/** Beside a peer we want to be ahead, whatever the distance. */
function againstPeer(measure: Measure, peer: string): Measure {
  const direction = measure.target?.direction ?? "at least";
  return {
    ...measure,
    name: `${measure.name}/${peer}`,
    title: `  beside ${peer}`,
    target: { of: "ratio", direction, bound: 1, aim: 1 },
  };
}

/** The rates of the rounds. */
export const rate = (samples: readonly number[]): number => median(samples);

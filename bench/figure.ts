/**
 * CONTRACT: what is measured, and what is asked of it.
 *
 * Nothing here is an absolute number. The machine is shared, noisy and not the reader's, so a figure is told as a ratio to a
 * yardstick: a bare loop that does the unavoidable part of the same work on the same disk in the same run.
 */

/** Where and how long to measure. */
export interface Setting {
  /** An empty directory on the disk under test. */
  readonly directory: string;
  /** How long each side of a comparison is measured, all rounds together. */
  readonly seconds: number;
  readonly rounds: number;
  /** Also measure the ways a Node developer would do it today. */
  readonly peers: boolean;
  /** Where to leave a profile of the subject instead of comparing it; undefined: compare. */
  readonly profile: string | undefined;
  /** Messages of the backlog. */
  readonly backlog: number;
  /** Told what is going on now. */
  readonly progress: (what: string) => void;
}

/** What must hold for a line, and what we are after. */
export interface Target {
  readonly of: "ratio" | "value";
  readonly direction: "at least" | "at most";
  readonly bound: number;
  readonly aim: number;
}

/** One line of the report, before anything is measured. */
export interface Line {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly target?: Target;
}

export interface Result extends Line {
  readonly value: number;
  readonly yardstick: number;
  readonly yardstickName: string;
  /** value / yardstick */
  readonly ratio: number;
  /** How far the rounds' ratios lie apart, as a share of their median; undefined when there is one round only. */
  readonly ratioSpread?: number;
}

export interface Figure {
  /** As in `--only`, and the name of its file. */
  readonly name: string;
  readonly lines: readonly Line[];
  run(setting: Setting): Promise<readonly Result[]>;
}

export type Verdict = "aim" | "met" | "missed";

export function verdict(result: Pick<Result, "value" | "ratio">, target: Target): Verdict {
  const measured = target.of === "ratio" ? result.ratio : result.value;
  const reaches = (mark: number): boolean => (target.direction === "at least" ? measured >= mark : measured <= mark);
  if (reaches(target.aim)) return "aim";
  return reaches(target.bound) ? "met" : "missed";
}

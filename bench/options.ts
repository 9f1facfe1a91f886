/** What `npm run bench -- …` takes. */
import { parseArgs } from "node:util";

export interface Options {
  /** Names of figures; empty means all. */
  readonly only: readonly string[];
  readonly seconds: number;
  readonly rounds: number;
  /** Where the data directories are made; undefined: in the project, which is on its disk. */
  readonly data: string | undefined;
  readonly backlog: number;
  /** Profile the one figure instead of comparing it. */
  readonly profile: boolean;
  readonly json: boolean;
  readonly peers: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

export const usage = `npm run bench -- [options]
  --only <name>      one figure, or several with commas; --list names them
  --seconds <n>      how long each side of a comparison is measured, all rounds together (4)
  --rounds <n>       into how many turns that is cut (9)
  --data <dir>       where to make the data directories: on the disk you want to know about (.cache/ in the project)
  --backlog <n>      messages of the backlog (10000000)
  --peers            beside it SQLite, LMDB and plainjob, once \`npm ci --prefix bench/peers\` has installed them
  --profile          with one figure: where its time goes, instead of how it compares
  --json             one object a line: name, unit, value, yardstick, ratio
  --list, --help`;

export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", multiple: true, default: [] },
      seconds: { type: "string", default: "4" },
      rounds: { type: "string", default: "9" },
      data: { type: "string" },
      backlog: { type: "string", default: "10000000" },
      profile: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      peers: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    ...values,
    data: values.data,
    only: values.only.flatMap((names) => names.split(",")),
    seconds: positive("--seconds", values.seconds),
    rounds: Math.ceil(positive("--rounds", values.rounds)),
    backlog: Math.ceil(positive("--backlog", values.backlog)),
  };
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new TypeError(`${option} takes a number above 0, not "${text}"`);
  return value;
}

/** Those asked for, in their own order; a name nobody has is a mistake of the caller's. */
export function choose<T extends { readonly name: string }>(all: readonly T[], names: readonly string[]): readonly T[] {
  const unknown = names.filter((name) => !all.some((each) => each.name === name));
  if (unknown.length > 0) {
    throw new TypeError(
      `no figure is called ${unknown.join(" or ")}; there are ${all.map((each) => each.name).join(", ")}`,
    );
  }
  return names.length === 0 ? all : all.filter((each) => names.includes(each.name));
}

import { parseArgs } from "node:util";

export interface Options {
  /** How many events the intake takes in all. */
  readonly events: number;
  /** Kill the program half-way and start it again. */
  readonly crash: boolean;
  /** Decides the moment of the kill and which mails the mail server turns away at first. */
  readonly seed: number;
  /** Everything the program writes stands below this directory. */
  readonly data: string;
  /** Leave the data there at the end, to look at it. */
  readonly keep: boolean;
  /** Events taken in per second at most; Infinity: as fast as the disk allows. */
  readonly eventsPerSecond: number;
}

export const usage = `Usage: npm start -- [options]

  --events <n>   take in n webhook events                        (20000)
  --rate <n>     take in at most n events a second               (as fast as possible)
  --crash        SIGKILL the program at a random moment, start it again, and show that nothing was lost
  --seed <n>     repeat the same run: the moment of the kill, the failures of the mail server
  --data <dir>   where everything is written                     (./millrace-data/webhooks)
  --keep         leave the data there at the end, to look at it with the command line
  --help         this text

A run that was interrupted (Ctrl-C, a kill, a power cut) is gone on with by the next \`npm start\`.
`;

/** Something on the command line cannot be; the message says what. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const defaultData = "./millrace-data/webhooks";

const declared = {
  events: { type: "string", default: "20000" },
  rate: { type: "string" },
  crash: { type: "boolean", default: false },
  seed: { type: "string" },
  data: { type: "string", default: defaultData },
  keep: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/**
 * The options of this command line, or "help".
 * @throws UsageError saying which argument is wrong.
 */
export function parseOptions(args: readonly string[], randomSeed: () => number): Options | "help" {
  const values = parse(args);
  if (values.help) return "help";
  if (values.data === "") throw new UsageError("--data must name a directory");
  return {
    events: wholeNumber("--events", values.events, 1),
    crash: values.crash,
    seed: values.seed === undefined ? randomSeed() : wholeNumber("--seed", values.seed, 0),
    data: values.data,
    keep: values.keep,
    eventsPerSecond: values.rate === undefined ? Number.POSITIVE_INFINITY : wholeNumber("--rate", values.rate, 1),
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof declared }>>["values"] {
  try {
    return parseArgs({ args: [...args], options: declared }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help`);
  }
}

/** Ids carry seven digits, which is also plenty. */
const eventsMax = 9_999_999;

function wholeNumber(option: string, text: string, least: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= eventsMax) return number;
  throw new UsageError(`${option} must be a whole number from ${least} to ${eventsMax}, not ${JSON.stringify(text)}`);
}

import { open, type Consumer, type Logger, type Millrace } from "millrace";
import { ticker } from "./channels.js";
import type { Display } from "./display.js";
import { drain, drainTime } from "./drain.js";
import { startAlerting } from "./groups/alerting.js";
import { startAudit } from "./groups/audit.js";
import { startMailer } from "./groups/mailer.js";
import { metricsFile, readMetrics, startMetrics } from "./groups/metrics.js";
import { startNotify } from "./groups/notify.js";
import { eventsPresent, takeIn } from "./intake.js";
import { backlog } from "./observe.js";
import type { Part, PartContext } from "./part.js";
import { Progress } from "./progress.js";
import type { Check, Result } from "./report.js";
import { mailboxFile, SmtpSink } from "./smtp-sink.js";
import type { Tally } from "./tally.js";
import { verify } from "./verify.js";
import type { Workspace } from "./workspace.js";

export interface RunOptions {
  readonly workspace: Workspace;
  readonly display: Display;
  readonly eventsPerSecond: number;
  /** Aborts when somebody wants the run to stop and be gone on with later. */
  readonly signal: AbortSignal;
  /** Told which events the stream has taken over, each time it does. */
  readonly onAcknowledged?: (numbers: readonly number[]) => void;
  /** Told how much of all there is to do has been done, from 0 to 1. */
  readonly onShareDone?: (share: number) => void;
  /** Looks at the stream before anything is added to it. */
  readonly beforeIntake?: (present: Tally) => readonly Check[];
}

/** The share of mails the mail server turns away for now. */
const mailFailShare = 0.1;

/** Takes in the events, lets every group work through them, and counts the effects. "interrupted": the rest is for next time. */
export async function run(options: RunOptions): Promise<Result | "interrupted"> {
  const { workspace, signal } = options;
  const mill = await open(workspace.mill, { logger: loggerOn(options.display) });
  const parts: Part[] = [];
  let sink: SmtpSink | undefined;
  try {
    sink = await SmtpSink.start({
      mailbox: workspace.out(mailboxFile),
      failShare: mailFailShare,
      seed: workspace.seed,
    });
    const checks = await work(mill, { ...options, parts, smtpPort: sink.port });
    if (signal.aborted) return "interrupted";
    const verified = await verify(mill, workspace);
    return {
      checks: [...checks, ...verified.checks],
      deadLetters: verified.deadLetters,
      busiest: await busiestRepositories(workspace),
      elapsedMs: performance.now(), // since the process began, and so with the part before a kill
    };
  } finally {
    await mill.close({ drain: drainTime });
    for (const part of parts) await part.close();
    await sink?.close();
  }
}

type WorkOptions = RunOptions & { readonly parts: Part[]; readonly smtpPort: number };

/** Until everything is done, or the signal aborts, or a part fails. */
async function work(mill: Millrace, options: WorkOptions): Promise<readonly Check[]> {
  const { workspace, parts, signal } = options;
  const present = await eventsPresent(mill, workspace.events);
  const checks = options.beforeIntake?.(present) ?? [];
  const progress = await watchTicker(mill, options, present);
  for (const start of [...streamReaders, ...downstream]) {
    parts.push(await start({ mill, workspace, smtpPort: options.smtpPort }));
  }
  await Promise.all(parts.map(({ consumer }) => consumer.ready));
  await countEarlierWork(mill, progress, present);

  const intake = takeIn(mill, {
    events: workspace.events,
    eventsPerSecond: options.eventsPerSecond,
    signal,
    present,
    onAcknowledged: (numbers) => options.onAcknowledged?.(numbers),
  });
  const drained = drain(mill, {
    events: workspace.events,
    display: options.display,
    signal,
    progress,
    intake,
    stages: [parts.slice(0, streamReaders.length), parts.slice(streamReaders.length)],
  });
  await Promise.race([Promise.all([intake, drained]), ...parts.map(({ consumer }) => failureOf(consumer))]);
  return checks;
}

const startPager = (context: PartContext): Promise<Part> => startAlerting("pager", context);
const startChat = (context: PartContext): Promise<Part> => startAlerting("chat", context);
const streamReaders = [startAudit, startMetrics, startNotify];
const downstream = [startMailer, startPager, startChat];

async function watchTicker(mill: Millrace, options: RunOptions, present: Tally): Promise<Progress> {
  const progress = new Progress();
  progress.add({ part: "intake", count: present.distinct });
  const effects = options.workspace.events * 4;
  const consumer = mill.handle(ticker, (tick) => {
    progress.add(tick);
    const { intake, audit, metrics, notify } = progress.done;
    options.onShareDone?.((intake + audit + metrics + notify) / effects);
  });
  await consumer.ready;
  return progress;
}

/** What the groups had done before this process began. */
async function countEarlierWork(mill: Millrace, progress: Progress, present: Tally): Promise<void> {
  const { lag } = await backlog(mill);
  for (const part of ["audit", "metrics", "notify"] as const) {
    progress.add({ part, count: present.distinct - progress.done[part] - lag[part] });
  }
}

/** Never resolves: a consumer that we close has not failed. */
function failureOf(consumer: Consumer): Promise<never> {
  return new Promise((_, reject) => void consumer.closed.catch(reject));
}

async function busiestRepositories(workspace: Workspace): Promise<Result["busiest"]> {
  const { byRepository } = await readMetrics(workspace.out(metricsFile));
  const all = Object.entries(byRepository).map(([name, events]) => ({ name, events }));
  return all.toSorted((a, b) => b.events - a.events).slice(0, 3);
}

/** Warnings of Millrace as lines above the display, which they would otherwise tear apart. */
function loggerOn(display: Display): Logger {
  const say = (_fields: object, message: string): void => display.print(`millrace: ${message}`);
  return { debug: () => {}, info: () => {}, warn: say, error: say };
}

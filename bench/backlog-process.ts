/** One phase of the backlog figure, in a process of its own. Tells its parent what it does in words, and its report last. */
import { type Millrace, open } from "millrace";
import { byteQueue } from "./millrace.js";
import { byteValues } from "./payloads.js";

export interface Report {
  readonly fill: { readonly openSeconds: number; readonly emptyMb: number; readonly fullMb: number };
  readonly drain: {
    readonly openSeconds: number;
    readonly openedMb: number;
    /** While it drains, in order. */
    readonly samplesMb: readonly number[];
    readonly handled: number;
  };
}
export type Phase = keyof Report;

const backlog = byteQueue("backlog");
const sampleEveryMs = 50;
const tell = (message: unknown): boolean | undefined => process.send?.(message);

async function fill(directory: string, messages: number): Promise<Report["fill"]> {
  const { mill, openSeconds } = await openTimed(directory);
  await mill.send(backlog, new Uint8Array(100));
  const emptyMb = residentMb();
  const values = byteValues(100);
  const lane = async (share: number): Promise<void> => {
    for (let sent = 0; sent < share; sent += values.length) await mill.sendAll(backlog, values);
  };
  tell(`sending ${messages} messages`);
  await Promise.all(Array.from({ length: 4 }, () => lane(messages / 4)));
  return { openSeconds, emptyMb, fullMb: residentMb() };
}

async function drain(directory: string, messages: number): Promise<Report["drain"]> {
  const { mill, openSeconds } = await openTimed(directory);
  const { messages: stored } = await mill.admin.stats(backlog);
  if (stored < messages) throw new Error(`only ${stored} messages of ${messages} are there`);
  const openedMb = residentMb();
  const samplesMb: number[] = [];
  const sampler = setInterval(() => samplesMb.push(megabytes(process.memoryUsage.rss())), sampleEveryMs);
  tell(`handling ${stored} messages`);
  let handled = 0;
  await new Promise<void>((resolve) => {
    mill.handleBatch(
      backlog,
      (values) => {
        handled += values.length;
        if (handled >= stored) resolve();
      },
      { size: 500 },
    );
  });
  clearInterval(sampler);
  await mill.close();
  return { openSeconds, openedMb, samplesMb, handled };
}

async function openTimed(directory: string): Promise<{ mill: Millrace; openSeconds: number }> {
  const before = performance.now();
  const mill = await open(directory);
  return { mill, openSeconds: (performance.now() - before) / 1000 };
}

/** After garbage is gone: what is held, not what happened to be around. */
function residentMb(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return megabytes(process.memoryUsage.rss());
}

const megabytes = (bytes: number): number => bytes / 1e6;

const [phase, directory = "", count] = process.argv.slice(2);
tell(await (phase === "fill" ? fill : drain)(directory, Number(count)));

import type { Clock, Millrace, Queue } from "../index.js";
import { type Disk, writeFully } from "../disk/disk.js";

/** What one measurement found. */
export interface Figure {
  readonly name: string;
  readonly unit: "1/s" | "ms";
  readonly value: number;
  /** For the table: what was done. */
  readonly what: string;
}

/** How long to measure, with which clock, and when to stop early. */
export interface Budget {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal: AbortSignal;
}

const pageBytes = 4_096;
const fileBytes = 4 * 1024 * 1024;
export const batchMessages = 1_000;
const batchesInFlight = 4;
/** What a measurement leaves on the disk until it is taken away: about 130 MB. */
const messagesMax = 1_000_000;

/** What the disk gives without any engine: 4 KiB written over what is there, and synced. */
export async function measureDisk(disk: Disk, budget: Budget): Promise<Figure[]> {
  const file = disk.open("page", "create");
  try {
    writeFully(file, new Uint8Array(fileBytes), 0);
    await file.sync();
    const page = new Uint8Array(pageBytes).fill(7);
    let position = 0;
    const samples = await timed(budget, async () => {
      writeFully(file, page, position);
      position = (position + pageBytes) % fileBytes;
      await file.sync();
    });
    return percentiles("disk-sync", "write and sync 4 KiB, without the engine", samples);
  } finally {
    file.close();
  }
}

/** One send after the other, each waited for. */
export async function measureSendLatency(mill: Millrace, queue: Queue<Uint8Array>, budget: Budget): Promise<Figure[]> {
  const payload = new Uint8Array(100).fill(120);
  const samples = await timed(budget, async () => void (await mill.send(queue, payload)));
  return percentiles("send", "send 100 B and wait until it is durable", samples);
}

/** Batches, a few of them under way. Leaves its messages in the queue. */
export async function measureSendRate(mill: Millrace, queue: Queue<Uint8Array>, budget: Budget): Promise<Figure[]> {
  const payloads = Array.from({ length: batchMessages }, () => new Uint8Array(100).fill(120));
  let sent = 0;
  const elapsedMs = await during(budget, async (over) => {
    const line = async (): Promise<void> => {
      while (!over() && sent < messagesMax) {
        sent += batchMessages;
        await mill.sendAll(queue, payloads);
      }
    };
    await Promise.all(Array.from({ length: batchesInFlight }, line));
  });
  return [
    { name: "sends", unit: "1/s", value: rate(sent, elapsedMs), what: `send 100 B in batches of ${batchMessages}` },
  ];
}

/** Handles what the queue holds, each message settled by itself. */
export async function measureHandleRate(mill: Millrace, queue: Queue<Uint8Array>, budget: Budget): Promise<Figure[]> {
  const { messages } = await mill.admin.stats(queue);
  let handled = 0;
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const elapsedMs = await during(budget, async (over) => {
    const consumer = mill.handle(
      queue,
      () => {
        handled += 1;
        if (handled >= messages || over()) finish();
      },
      { concurrency: 256 },
    );
    await finished;
    await consumer.close();
  });
  return [
    {
      name: "handles",
      unit: "1/s",
      value: rate(handled, elapsedMs),
      what: "handle and settle, each message by itself",
    },
  ];
}

async function timed(budget: Budget, once: () => Promise<void>): Promise<number[]> {
  const samples: number[] = [];
  await during(budget, async (over) => {
    while (!over()) {
      const startedMs = budget.clock.monotonicMs();
      await once();
      samples.push(budget.clock.monotonicMs() - startedMs);
    }
  });
  return samples;
}

/** Runs `work` until `over()`; returns how long it took. */
async function during(budget: Budget, work: (over: () => boolean) => Promise<void>): Promise<number> {
  const { clock, ms, signal } = budget;
  const startedMs = clock.monotonicMs();
  await work(() => signal.aborted || clock.monotonicMs() - startedMs >= ms);
  return clock.monotonicMs() - startedMs;
}

function rate(count: number, elapsedMs: number): number {
  return Math.round((count * 1000) / Math.max(elapsedMs, 1));
}

function percentiles(name: string, what: string, samples: number[]): Figure[] {
  const sorted = samples.toSorted((one, other) => one - other);
  const at = (share: number): number => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(3));
  return [
    { name: `${name}-p50`, unit: "ms", value: at(0.5), what: `${what}: half of them within` },
    { name: `${name}-p99`, unit: "ms", value: at(0.99), what: `${what}: 99 of 100 within` },
  ];
}

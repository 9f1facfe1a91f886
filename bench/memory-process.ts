/** Sends so many messages of one kind in a process of its own, and tells how much more memory that has then: `memory-process.js KIND DIRECTORY MESSAGES`. */
import { type Queue, bytes, open, queue } from "millrace";
import { capacity } from "./millrace.js";
import { byteValues } from "./payloads.js";

export type Kind = "delayed" | "ids";
export interface MemoryReport {
  readonly emptyMb: number;
  readonly fullMb: number;
  /** After the process was closed and another one opened the directory. */
  readonly openSeconds: number;
  readonly reopenedMb: number;
}

const batch = byteValues(100);
const year = 365 * 86_400_000;

/** Delayed ones are due in any order. */
const kinds: Readonly<
  Record<Kind, { readonly channel: Queue<Uint8Array>; readonly options: (count: number) => object }>
> = {
  delayed: {
    channel: queue("delayed", { codec: bytes, capacity }),
    options: (count) => ({ delay: 3_600_000 + ((count * 7_919) % 1_000_003) * (year / 1_000_003 / 2) }),
  },
  ids: { channel: queueWithIds(), options: () => ({}) },
};

function queueWithIds(): Queue<Uint8Array> {
  let next = 0;
  return queue("ids", { codec: bytes, capacity: { ...capacity }, dedup: "1d", id: () => `message-${next++}` });
}

async function measure(kind: Kind, directory: string, messages: number): Promise<MemoryReport> {
  const { channel, options } = kinds[kind];
  const mill = await open(directory);
  await mill.send(channel, new Uint8Array(100), options(0));
  const emptyMb = residentMb();
  const lane = async (first: number): Promise<void> => {
    for (let sent = first; sent < messages; sent += 4 * batch.length) await mill.sendAll(channel, batch, options(sent));
  };
  await Promise.all([0, 1, 2, 3].map((index) => lane(index * batch.length)));
  const fullMb = residentMb();
  await mill.close();
  const before = performance.now();
  const again = await open(directory);
  const openSeconds = (performance.now() - before) / 1000;
  const { messages: stored } = await again.admin.stats(channel);
  if (stored < messages) throw new Error(`only ${stored} of ${messages} messages are there`);
  const reopenedMb = residentMb();
  await again.close();
  return { emptyMb, fullMb, openSeconds, reopenedMb };
}

/** After garbage is gone: what is held, not what happened to be around. */
function residentMb(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage.rss() / 1e6;
}

const [kind, directory = "", messages] = process.argv.slice(2);
process.send?.(await measure(kind as Kind, directory, Number(messages)));

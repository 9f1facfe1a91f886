/** This machine alone: what the other figures are held against, measured once without anything of ours beside it. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Contender, alternate, rate } from "../contest.js";
import type { Figure, Line, Result, Setting } from "../figure.js";
import { quantile } from "../statistics.js";
import { CachedReads, syncedBatches, syncedPages } from "../yardsticks.js";

type Samples = readonly number[];

const rows: readonly { line: Line; of: () => Contender; summarise: (samples: Samples) => number }[] = [
  {
    line: { name: "yardstick-100b", title: "encode 1,000 × 100 B, write, fdatasync", unit: "records/s" },
    of: () => syncedBatches(100),
    summarise: rate,
  },
  {
    line: { name: "yardstick-1kb", title: "encode 1,000 × 1 KB, write, fdatasync", unit: "records/s" },
    of: () => syncedBatches(1_000),
    summarise: rate,
  },
  {
    line: { name: "yardstick-sync-p50", title: "write 4 KiB, fdatasync: p50", unit: "ms" },
    of: syncedPages,
    summarise: (samples) => quantile(samples, 0.5),
  },
  {
    line: { name: "yardstick-sync-p99", title: "write 4 KiB, fdatasync: p99", unit: "ms" },
    of: syncedPages,
    summarise: (samples) => quantile(samples, 0.99),
  },
  {
    line: { name: "yardstick-reads", title: "read 256 MiB from the page cache, 1 MiB a call", unit: "GB/s" },
    of: () => new CachedFile(),
    summarise: rate,
  },
];

export const yardsticks: Figure = {
  name: "yardsticks",
  lines: rows.map((row) => row.line),
  run: async (setting: Setting): Promise<readonly Result[]> => {
    const contenders = rows.map((row) => row.of());
    const measured = await alternate(contenders, setting);
    return rows.map(({ line, summarise }, index) => {
      const value = summarise(measured[index]?.rounds.flat() ?? []);
      return { ...line, value, yardstick: value, yardstickName: line.name, ratio: 1 };
    });
  },
};

class CachedFile implements Contender {
  readonly name = "cached-reads";
  #reads: CachedReads | undefined;

  async open(directory: string): Promise<void> {
    const path = join(directory, "file");
    const descriptor = openSync(path, "w");
    const chunk = Buffer.alloc(1024 * 1024, 7);
    for (let count = 0; count < 256; count++) writeSync(descriptor, chunk);
    closeSync(descriptor);
    this.#reads = new CachedReads([path]);
  }

  async round(seconds: number): Promise<readonly number[]> {
    return [this.#reads?.round(seconds) ?? 0];
  }

  async close(): Promise<void> {
    this.#reads?.close();
  }
}

import type { Command } from "commander";
import type { Disk } from "../../disk/disk.js";
import { nodeDisk } from "../../disk/node.js";
import { bytes, queue } from "../../index.js";
import { directoryOf } from "../address.js";
import type { Call } from "../call.js";
import { CommandError } from "../failure.js";
import { isDirectory } from "../file-kinds.js";
import {
  type Budget,
  type Figure,
  measureDisk,
  measureHandleRate,
  measureSendLatency,
  measureSendRate,
} from "../measure.js";
import { count } from "../option-values.js";
import { type Column, tableLines } from "../table.js";
import { formatCount } from "../units.js";
import type { Verb } from "../verb.js";

interface BenchOptions {
  readonly seconds: number;
}

const measurements = 4;

export const bench: Verb<BenchOptions> = {
  declare(command: Command): void {
    command
      .option("--seconds <n>", "how long, all measurements together", count, 4)
      .addHelpText(
        "after",
        "\nMeasures in a directory of its own beside the data directory, on the same disk, and takes it away again.",
      );
  },

  async run(call: Call, options: BenchOptions): Promise<void> {
    const directory = directoryOf(call.on);
    if (directory === undefined)
      throw new CommandError(
        "USAGE",
        `millrace bench measures a disk, and ${call.on} is no directory: name one with --on`,
      );
    const scratch = nodeDisk(`${directory}.bench-${process.pid}`);
    const budget: Budget = { clock: call.io.clock, ms: (options.seconds * 1000) / measurements, signal: call.signal };
    scratch.makeDirectory("");
    try {
      const figures = await measure(call, scratch, budget);
      call.assertNotInterrupted("stopped measuring");
      await print(call, figures);
    } finally {
      removeAll(scratch, "");
    }
  },
};

async function measure(call: Call, scratch: Disk, budget: Budget): Promise<Figure[]> {
  if (!call.json) await call.note(`measuring in ${scratch.where}`);
  const figures = await measureDisk(scratch, budget);
  const mill = await call.openAt(`${scratch.where}/data`);
  try {
    const single = queue("single", { codec: bytes });
    const batched = queue("batched", { codec: bytes, capacity: { messages: Number.MAX_SAFE_INTEGER } });
    figures.push(...(await measureSendLatency(mill, single, budget)));
    figures.push(...(await measureSendRate(mill, batched, budget)));
    if (!budget.signal.aborted) figures.push(...(await measureHandleRate(mill, batched, budget)));
    return figures;
  } finally {
    await mill.close();
  }
}

const columns: readonly Column<Figure>[] = [
  { title: "measured", of: (each) => each.what },
  {
    title: "",
    of: (each) => (each.unit === "1/s" ? `${formatCount(each.value)}/s` : `${each.value} ms`),
    align: "right",
  },
];

async function print(call: Call, figures: readonly Figure[]): Promise<void> {
  if (call.json) {
    for (const { name, unit, value } of figures) await call.object({ name, unit, value });
    return;
  }
  for (const line of tableLines(columns, figures)) await call.out.line(line);
}

/** A directory with all that is in it. */
function removeAll(disk: Disk, path: string): void {
  for (const name of disk.list(path)) {
    const inside = path === "" ? name : `${path}/${name}`;
    if (isDirectory(disk, inside)) removeAll(disk, inside);
    else disk.remove(inside);
  }
  disk.removeDirectory(path);
}

/** What is acknowledged has been written before, and a sync that began after the write has ended. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../src/base/limits.js";
import { silentLogger } from "../../src/base/logger.js";
import { seededRandom } from "../../src/base/random.js";
import type { SimulatedDisk } from "../../src/disk/simulated.js";
import type { ChannelSpec, DeclaredChannel, Driver, OutgoingMessage } from "../../src/driver.js";
import { openOn } from "../../src/drivers/embedded/index.js";
import { ManualClock, turn } from "../../src/testing/manual-clock.js";
import { isSynced, NotingDisk, noteAt } from "./noting-disk.js";
import { parseSystemCalls, type SystemCall } from "./system-calls.js";

const limits = { ...defaultLimits, walFileBytes: 1024 * 1024, directBytesMin: 16 * 1024, reserveBytes: 0 };

function openDriver(disk: SimulatedDisk): Promise<Driver> {
  const release = (): void => {};
  return openOn(disk, {
    limits,
    durability: "fsync",
    clock: new ManualClock(),
    random: seededRandom(1),
    logger: silentLogger,
    name: "embedded",
    release,
  });
}

async function opened(): Promise<{ disk: NotingDisk; driver: Driver; work: DeclaredChannel }> {
  const disk = new NotingDisk();
  disk.makeDirectory("");
  const driver = await openDriver(disk);
  const work = await driver.declare(queueSpec("work"));
  await turn();
  return { disk, driver, work };
}

function queueSpec(name: string): ChannelSpec {
  const capacity = { messages: 1_000_000, bytes: Number.POSITIVE_INFINITY, whenFull: "block" } as const;
  const retention = { timeMs: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
  const rest = { dedupMs: undefined, expiresMs: undefined, compact: false, native: undefined } as const;
  return {
    kind: "queue",
    name,
    partitions: 1,
    durable: true,
    retention,
    capacity,
    order: "none",
    priorities: 1,
    ...rest,
  };
}

function message(mark: string): OutgoingMessage {
  return { value: `${mark};`, key: undefined, id: undefined, headers: undefined };
}

/** What is wrong with the acknowledgement of a mark; undefined when nothing is. */
function faultOf(disk: NotingDisk, mark: string): string | undefined {
  const { trace } = disk;
  const acknowledged = noteAt(trace, (text) => text === `acknowledged ${mark}`);
  const written = noteAt(trace, (text) => text.endsWith(` has ${mark}`));
  if (acknowledged < 0) return `${mark} was never acknowledged`;
  if (written < 0 || written > acknowledged) return `${mark} was acknowledged before it was written`;
  const home = trace[written]?.path.split(" ")[0] ?? "";
  if (!isSynced(trace, home, [written, acknowledged])) return `${mark} was acknowledged before ${home} was synced`;
  return home.startsWith("wal/") ? undefined : referenceFault(disk, mark, [written, acknowledged]);
}

/** A large batch stands in its segment, and counts once the write-ahead log refers to it. */
function referenceFault(disk: NotingDisk, mark: string, [written, acknowledged]: [number, number]): string | undefined {
  const at = disk.trace.findIndex(
    ({ what, path: file }, index) => index > written && what === "write" && file.startsWith("wal/"),
  );
  const file = disk.trace[at]?.path ?? "";
  return at >= 0 && isSynced(disk.trace, file, [at, acknowledged])
    ? undefined
    : `the reference to ${mark} was not synced`;
}

function faultsOf(disk: NotingDisk, marks: readonly string[]): string[] {
  return marks.map((mark) => faultOf(disk, mark)).filter((fault) => fault !== undefined);
}

function marksOf(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `mark-${kind}-${index}`);
}

/** Starts one operation for each mark, some together and some while the syncs of others go on; resolves when all have ended. */
async function together(
  disk: NotingDisk,
  marks: readonly string[],
  run: (mark: string) => Promise<unknown>,
): Promise<void> {
  const running: Promise<void>[] = [];
  for (const [index, mark] of marks.entries()) {
    running.push(run(mark).then(() => disk.note(`acknowledged ${mark}`)));
    if (index % 7 === 0) await turn();
  }
  await Promise.all(running);
}

describe("is acknowledged only after a sync that began when it had been written:", () => {
  test("each of many messages, batches, transactions and large batches that are on their way at once", async () => {
    const { disk, driver, work } = await opened();
    const other = await driver.declare(queueSpec("other"));
    const [singles, batches, commits, large] = ["single", "batch", "commit", "large"].map((kind) =>
      marksOf(kind, 60),
    ) as [string[], string[], string[], string[]];
    await Promise.all([
      together(disk, singles, (mark) => work.publish(message(mark))),
      together(disk, batches, (mark) => work.publishAll([message("first"), message(mark), message("last")])),
      together(disk, commits, (mark) =>
        driver.commit([work, other].map((channel) => ({ channel, message: message(mark) }))),
      ),
      together(disk, large, (mark) => other.publish(message(`${mark};`.padEnd(20 * 1024, ".")))),
    ]);
    expect(faultsOf(disk, [...singles, ...batches, ...commits, ...large])).toEqual([]);
    expect(disk.trace.some(({ what, path: text }) => what === "note" && /^(?!wal).* has mark-large/.test(text))).toBe(
      true,
    );
    await driver.close();
  });

  test("a channel, by both mirrors of the meta journal", async () => {
    const { disk, driver } = await opened();
    const names = marksOf("channel", 20);
    await together(disk, names, (mark) => driver.declare(queueSpec(mark)));
    const faults = names.flatMap((mark) => {
      const acknowledged = noteAt(disk.trace, (text) => text === `acknowledged ${mark}`);
      return ["meta/a", "meta/b"].filter((mirror) => !declaredAt(disk, mirror, [mark, acknowledged]));
    });
    expect(faults).toEqual([]);
    await driver.close();
  });

  test("every settlement, by the time its flush resolves", async () => {
    const { disk, driver, work } = await opened();
    await work.publishAll(marksOf("settled", 40).map(message));
    const source = await work.consume({
      group: "",
      leaseMs: 30_000,
      from: "earliest",
      member: undefined,
      onLost: () => {},
    });
    const deliveries = await source.take(40);
    expect(deliveries.length).toBe(40);
    const left: number[] = [];
    await Promise.all(
      deliveries.map(async (delivery, index) => {
        for (let turns = 0; turns < index / 4; turns++) await turn();
        source.settle(delivery, { kind: "done", sends: [] });
        const settled = (disk.note(`settled ${index}`), disk.trace.length - 1);
        await source.flush();
        const [wal] = disk.trace
          .slice(settled)
          .filter(({ what, path: file }) => what === "write" && file.startsWith("wal/"));
        expect(isSynced(disk.trace, wal?.path ?? "", [settled, disk.trace.length])).toBe(true);
        left.push(await leftAfterPowerCut(disk, delivery.id));
      }),
    );
    expect(left).toEqual(left.map(() => 0));
    await driver.close();
  });
});

/** Whether the mirror had the name, durably, when it was acknowledged. */
function declaredAt(disk: NotingDisk, mirror: string, [name, acknowledged]: readonly [string, number]): boolean {
  const written = noteAt(disk.trace, (text) => text === `${mirror} has ${name}`);
  return written >= 0 && acknowledged >= 0 && isSynced(disk.trace, mirror, [written, acknowledged]);
}

/** How many messages of that id the next process finds when the power fails now, and nothing was kept that was not synced. */
async function leftAfterPowerCut(disk: SimulatedDisk, id: string): Promise<number> {
  const driver = await openDriver(disk.afterCrash("nothing-unsynced", () => 0.5));
  const found = await driver.admin.peek("work", { group: "", limit: 1_000, after: undefined });
  await driver.close();
  return found.filter((each) => each.id === id).length;
}

test("a thousand messages sent at once share a few syncs", async () => {
  const { disk, driver, work } = await opened();
  const before = disk.count("sync");
  await Promise.all(marksOf("shared", 1_000).map((mark) => work.publish(message(mark))));
  expect(disk.count("sync") - before).toBeLessThanOrEqual(5);
  await driver.close();
});

const tracer = spawnSync("strace", ["-f", "-o", os.devNull, "true"]);
const canTrace = tracer.status === 0;
if (!canTrace) process.stderr.write("a real process is not looked at: apt-get install strace, and allow it to trace\n");

describe.skipIf(!canTrace)("a real process", () => {
  const rounds = 5;
  const width = 20;

  test("has had each message synced by the system when it says that it was acknowledged", { timeout: 60_000 }, () => {
    const calls = callsOfSender(rounds, width);
    const numbers = Array.from({ length: rounds * width }, (_, number) => number);
    expect(numbers.map((number) => faultOfSent(calls, number)).filter((fault) => fault !== undefined)).toEqual([]);
    const syncs = calls.filter(({ name, path: file }) => name === "fdatasync" && file.includes("/wal/"));
    expect(syncs.length).toBeLessThan(rounds * width);
  });
});

function callsOfSender(rounds: number, width: number): SystemCall[] {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-syncs-"));
  try {
    const log = path.join(directory, "calls");
    const sender = fileURLToPath(new URL("../../build/test/syncs/sender.js", import.meta.url));
    const traced = ["-f", "-y", "-s", "65536", "-e", "trace=pwrite64,pwritev,write,fdatasync", "-o", log];
    const program = [process.execPath, sender, path.join(directory, "data"), String(rounds), String(width)];
    // A file system may be asked through a ring that strace cannot see.
    const env = { ...process.env, UV_USE_IO_URING: "0" };
    const { status, stderr } = spawnSync("strace", [...traced, ...program], { encoding: "utf8", env, timeout: 50_000 });
    expect([status, stderr]).toEqual([0, ""]);
    return parseSystemCalls(fs.readFileSync(log, "utf8"));
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** What is wrong with the acknowledgement that the process has told of; undefined when nothing is. */
function faultOfSent(calls: readonly SystemCall[], number: number): string | undefined {
  const told = calls.find(
    ({ name, text }) => name === "write" && text.startsWith("1<") && text.includes(`"ack ${number};`),
  );
  const written = calls.find(
    ({ name, path: file, text }) =>
      name.startsWith("pwrite") && file.includes("/wal/") && text.includes(`message ${number};`),
  );
  if (told === undefined) return `message ${number} was never acknowledged`;
  if (written === undefined || written.ended >= told.began)
    return `message ${number} was acknowledged before it was written`;
  const isSync = ({ name, path: file, result }: SystemCall): boolean =>
    name === "fdatasync" && file === written.path && result.startsWith("0");
  const synced = calls.some((call) => isSync(call) && call.began > written.ended && call.ended < told.began);
  return synced ? undefined : `message ${number} was acknowledged before it was synced`;
}

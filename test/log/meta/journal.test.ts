import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/crc32c.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { MetaJournal, readMeta } from "../../../src/log/meta/journal.js";
import { contentOf, replace } from "../segments/fixture.js";

const entries = [
  { entry: "channel", id: 1, name: "first" },
  { entry: "channel", id: 2, name: "größe €" },
  { entry: "group", id: 3, channel: 1 },
  { entry: "channel", id: 4, name: "last" },
];

async function open(
  disk: SimulatedDisk,
): Promise<{ journal: MetaJournal; read: unknown[]; kinds: string[]; lost: (string | undefined)[] }> {
  const content = readMeta(disk);
  const journal = await MetaJournal.open(disk, content);
  const { findings } = content;
  const read = [...content.entries.values()];
  return { journal, read, kinds: findings.map(({ kind }) => kind), lost: findings.map(({ lost }) => lost) };
}

async function written(trace = false): Promise<{ disk: SimulatedDisk; journal: MetaJournal }> {
  const disk = new SimulatedDisk({ trace });
  disk.makeDirectory("");
  await MetaJournal.create(disk);
  // The name of the directory itself is the caller's.
  await disk.syncDirectory("");
  const { journal } = await open(disk);
  for (const entry of entries) await journal.append(entry);
  return { disk, journal };
}

/** A copy of the disk with one of its files changed. */
function changed(disk: SimulatedDisk, path: string, change: (bytes: Buffer) => Buffer | void): SimulatedDisk {
  const copy = disk.afterKill();
  const bytes = contentOf(copy, path);
  replace(copy, path, change(bytes) ?? bytes);
  return copy;
}

function flipped(disk: SimulatedDisk, path: string, bit: number): SimulatedDisk {
  return changed(
    disk,
    path,
    (bytes) => void bytes.writeUInt8((bytes[bit >> 3] as number) ^ (1 << (bit & 7)), bit >> 3),
  );
}

describe("the meta journal", () => {
  test("hands out its entries in the order they were appended", async () => {
    const { disk } = await written();
    expect(await open(disk.afterKill())).toMatchObject({ read: entries, kinds: [] });
  });

  test("keeps an entry once it is acknowledged, whatever becomes of the power", async () => {
    const { disk } = await written();
    expect(await open(disk.afterCrash("nothing-unsynced", () => 0.5))).toMatchObject({ read: entries, kinds: [] });
  });

  test("lets calls of the same turn share one sync of each mirror", async () => {
    const { disk, journal } = await written();
    const before = [disk.count("sync", "meta/a"), disk.count("sync", "meta/b")];
    await Promise.all(Array.from({ length: 50 }, (_, index) => journal.append({ index })));
    expect([disk.count("sync", "meta/a") - before[0]!, disk.count("sync", "meta/b") - before[1]!]).toEqual([1, 1]);
    expect((await open(disk.afterKill())).read).toHaveLength(54);
  });

  test("writes to the second mirror only when the first one is durable", async () => {
    const { disk, journal } = await written(true);
    const from = disk.trace.length;
    await journal.append({ one: 1 });
    const steps = disk.trace.slice(from).map(({ what, path }) => `${what} ${path}`);
    expect(steps.indexOf("synced meta/a")).toBeLessThan(steps.indexOf("write meta/b"));
    expect(steps.filter((step) => step.startsWith("write"))).toEqual(["write meta/a", "write meta/b"]);
  });
});

describe("damage to one mirror", () => {
  test.for(["meta/a", "meta/b"])(
    "of any bit of %s is found, repaired from the other, and costs nothing",
    async (path) => {
      const { disk } = await written();
      for (let bit = 0; bit < contentOf(disk, path).length * 8; bit++) {
        const damaged = flipped(disk, path, bit);
        expect([bit, await open(damaged)]).toMatchObject([
          bit,
          { read: entries, kinds: ["meta-mirror-damaged"], lost: [undefined] },
        ]);
        expect([bit, contentOf(damaged, path).equals(contentOf(disk, path))]).toEqual([bit, true]);
        expect(await open(damaged.afterCrash("nothing-unsynced", () => 0.5))).toMatchObject({
          read: entries,
          kinds: [],
        });
      }
    },
  );

  test.for(["meta/a", "meta/b"])("cut to any length, %s is found short, repaired, and costs nothing", async (path) => {
    const { disk } = await written();
    const { length } = contentOf(disk, path);
    for (let size = 0; size < length; size++) {
      const damaged = changed(disk, path, (bytes) => bytes.subarray(0, size));
      const { read, lost } = await open(damaged);
      expect([size, read, lost.filter((each) => each !== undefined)]).toEqual([size, entries, []]);
      expect([size, contentOf(damaged, path).equals(contentOf(disk, path))]).toEqual([size, true]);
    }
  });

  test("by its absence is repaired too", async () => {
    const { disk } = await written();
    disk.remove("meta/b");
    expect(await open(disk)).toMatchObject({ read: entries, kinds: ["meta-mirror-damaged"], lost: [undefined] });
    expect(disk.exists("meta/b")).toBe(true);
  });

  test("is repaired before anything is appended, so that what comes is in both", async () => {
    const { disk } = await written();
    const damaged = flipped(disk, "meta/a", 300);
    const { journal } = await open(damaged);
    await journal.append({ entry: "new" });
    for (const path of ["meta/a", "meta/b"]) {
      const alone = damaged.afterKill();
      alone.remove(path);
      expect((await open(alone)).read).toEqual([...entries, { entry: "new" }]);
    }
  });
});

describe("damage to both mirrors", () => {
  /** Where each entry begins. */
  function placesIn(disk: SimulatedDisk): number[] {
    const bytes = contentOf(disk, "meta/a");
    const places = [12];
    for (const _ of entries) places.push(places.at(-1)! + 16 + bytes.readUInt32LE(places.at(-1)));
    return places;
  }

  test("in different entries costs nothing: reading goes on behind it", async () => {
    const { disk } = await written();
    const places = placesIn(disk);
    const damaged = flipped(flipped(disk, "meta/a", (places[1]! + 20) * 8), "meta/b", (places[2]! + 20) * 8);
    expect(await open(damaged)).toMatchObject({ read: entries, lost: [undefined, undefined] });
  });

  test("in the same entry costs that one, says so, and keeps copies of both", async () => {
    const { disk } = await written();
    const second = placesIn(disk)[1]!;
    const damaged = flipped(flipped(disk, "meta/a", (second + 20) * 8), "meta/b", (second + 30) * 8);
    const before = contentOf(damaged, "meta/a");
    const { read, kinds, lost } = await open(damaged);
    expect(read).toEqual([entries[0], entries[2], entries[3]]);
    expect([kinds.at(-1), lost.at(-1)]).toEqual([
      "meta-entry-lost",
      "the channels and groups that were declared there",
    ]);
    const copies = damaged.files().filter((path) => path.startsWith("quarantine/"));
    expect(copies).toEqual([expect.stringContaining("meta-a"), expect.stringContaining("meta-b")]);
    expect(contentOf(damaged, copies[0]!).equals(before)).toBe(true);
    // The number of a lost entry is not given again.
    const { journal } = await open(damaged);
    await journal.append({ entry: "new" });
    expect((await open(damaged.afterKill())).read.at(-1)).toEqual({ entry: "new" });
  });

  test("in the last entry is told apart from one that was being written", async () => {
    const { disk } = await written();
    const last = placesIn(disk)[3]!;
    const both = flipped(flipped(disk, "meta/a", (last + 20) * 8), "meta/b", (last + 20) * 8);
    expect((await open(both)).kinds).toContain("meta-entry-lost");
    const torn = changed(
      changed(disk, "meta/a", (bytes) => bytes.subarray(0, last + 20)),
      "meta/b",
      (bytes) => bytes.subarray(0, last),
    );
    expect(await open(torn)).toMatchObject({
      read: entries.slice(0, 3),
      kinds: ["meta-mirror-damaged"],
      lost: [undefined],
    });
  });

  test("of all of it is LOG_CORRUPT, with advice, and changes nothing", async () => {
    const { disk } = await written();
    for (const path of ["meta/a", "meta/b"]) replace(disk, path, Buffer.alloc(300, 7));
    const { calls } = disk;
    expect(() => readMeta(disk)).toThrow(
      expect.objectContaining({
        code: "LOG_CORRUPT",
        message: expect.stringMatching(/keep a copy.*millrace verify/) as string,
      }),
    );
    expect(disk.count("write")).toBeLessThanOrEqual(calls);
    expect(contentOf(disk, "meta/a")).toEqual(Buffer.alloc(300, 7));
  });
});

describe("a crash while an entry is written", () => {
  test("leaves it in both mirrors or in none that counts, at every call", async () => {
    for (let after = 0; after < 12; after++) {
      const { disk, journal } = await written();
      disk.crashAt(disk.calls + after);
      let isAcknowledged = false;
      void journal.append({ entry: "new" }).then(
        () => (isAcknowledged = true),
        () => {},
      );
      for (let turns = 0; turns < 20; turns++) await Promise.resolve();
      for (const style of ["nothing-unsynced", "everything", "torn-1", "garbage-tail", "names-first"] as const) {
        const found = disk.afterCrash(style, () => 0.4);
        const { read, lost } = await open(found);
        expect([after, style, read.slice(0, 4), lost.filter(Boolean)]).toEqual([after, style, entries, []]);
        if (isAcknowledged) expect(read).toHaveLength(5);
        // Whatever it found, it is the same for everybody after it.
        expect((await open(found.afterCrash("nothing-unsynced", () => 0.5))).read).toEqual(read);
      }
    }
  });
});

describe("a failing disk", () => {
  test.for(["meta/a", "meta/b"])(
    "a failed sync of %s refuses the entry and leaves nothing of it behind the next",
    async (path) => {
      const { disk, journal } = await written();
      let failed = false;
      disk.faults = (call) => {
        if (failed || call.operation !== "sync" || call.path !== path) return undefined;
        failed = true;
        return { fail: "EIO" };
      };
      await expect(journal.append({ entry: "refused" })).rejects.toMatchObject({ code: "DISK_FAILED" });
      expect((await open(disk.afterKill())).read).toEqual(entries);
    },
  );

  test("without room refuses the entry, and takes the next one when there is room again", async () => {
    const { disk, journal } = await written();
    disk.capacityBytes = disk.usedBytes + 5;
    await expect(Promise.all([journal.append({ entry: "refused" }), journal.append({})])).rejects.toMatchObject({
      code: "DISK_FULL",
    });
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    await journal.append({ entry: "taken" });
    expect(await open(disk.afterKill())).toMatchObject({ read: [...entries, { entry: "taken" }], kinds: [] });
  });

  test("that writes a few bytes at a time is written to all the same", async () => {
    const { disk, journal } = await written();
    disk.faults = () => ({ shorten: 7 });
    await journal.append({ entry: "in pieces" });
    expect((await open(disk.afterKill())).read).toHaveLength(5);
  });
});

test("an entry too large for anybody to have meant it is refused", async () => {
  const { journal } = await written();
  expect(() => journal.append({ name: "x".repeat(1024 * 1024) })).toThrow(
    expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }),
  );
});

test("a mirror of a newer release is refused as such, and nothing is changed", async () => {
  const { disk } = await written();
  const newer = Buffer.from(contentOf(disk, "meta/a"));
  newer.writeUInt32LE(2, 4);
  newer.writeUInt32LE(crc32c(newer.subarray(0, 8)), 8);
  replace(disk, "meta/a", newer);
  const files = disk.files().map((path) => contentOf(disk, path).toString("hex"));
  expect(() => readMeta(disk)).toThrow(expect.objectContaining({ code: "LOG_VERSION_UNSUPPORTED" }));
  expect(disk.files().map((path) => contentOf(disk, path).toString("hex"))).toEqual(files);
});

import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/crc32c.js";
import { seededRandom } from "../../../src/base/random.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { CheckpointSlots, readSlot, readSlots, repairSlots, slotNames } from "../../../src/log/checkpoint/slots.js";
import { contentOf, replace } from "../segments/fixture.js";

function freshDisk(): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.makeDirectory("");
  return disk;
}

const bodyOf = (sequence: number): Buffer => Buffer.from(`checkpoint ${sequence} `.repeat(sequence + 3));

async function writtenUpTo(sequence: number): Promise<{ disk: SimulatedDisk; slots: CheckpointSlots }> {
  const disk = freshDisk();
  const slots = new CheckpointSlots(disk, "checkpoint.0");
  for (let each = 1; each <= sequence; each++) await slots.write({ sequence: each, body: bodyOf(each) });
  return { disk, slots };
}

function found(disk: SimulatedDisk): { sequence: number | undefined; body: string | undefined; said: string[] } {
  const { checkpoint, findings } = readSlots(disk);
  const said = findings.map(({ kind, file, lost }) => `${kind} ${file} ${lost ?? "nothing lost"}`);
  return { sequence: checkpoint?.sequence, body: checkpoint?.body.toString(), said };
}

function flip(disk: SimulatedDisk, path: string, bit: number): SimulatedDisk {
  const copy = disk.afterKill();
  copy.flipBit(path, bit);
  return copy;
}

describe("a checkpoint", () => {
  test("is what the next process finds, in both slots, once it is written", async () => {
    const { disk } = await writtenUpTo(3);
    const after = disk.afterCrash("nothing-unsynced", () => 0.5);
    expect(found(after)).toEqual({ sequence: 3, body: bodyOf(3).toString(), said: [] });
    for (const name of slotNames) expect(readSlot(after, name)).toMatchObject({ state: "whole", sequence: 3 });
  });

  test("may be shorter than the one before it", async () => {
    const { disk, slots } = await writtenUpTo(3);
    await slots.write({ sequence: 4, body: Buffer.from("short") });
    expect(found(disk)).toEqual({ sequence: 4, body: "short", said: [] });
  });

  test("there has never been one: that is no damage", () => {
    expect(found(freshDisk())).toEqual({ sequence: undefined, body: undefined, said: [] });
  });
});

describe("damage to one slot", () => {
  test.for([...slotNames])("%s: any bit is found, and the other slot is used", async (name) => {
    const { disk } = await writtenUpTo(2);
    for (let bit = 0; bit < contentOf(disk, name).length * 8; bit++) {
      const { sequence, body, said } = found(flip(disk, name, bit));
      const isUnused = bit >= (32 + bodyOf(2).length) * 8;
      expect([bit, sequence, body]).toEqual([bit, 2, bodyOf(2).toString()]);
      expect([bit, said]).toEqual([bit, isUnused ? [] : [`checkpoint-slot-damaged ${name} nothing lost`]]);
    }
  });

  test.for([...slotNames])("%s: cut to any length it is found, and the other slot is used", async (name) => {
    const { disk } = await writtenUpTo(2);
    for (let size = 0; size < 32 + bodyOf(2).length; size++) {
      const copy = disk.afterKill();
      copy.truncateFile(name, size);
      expect([size, found(copy)]).toMatchObject([
        size,
        { sequence: 2, said: [`checkpoint-slot-damaged ${name} nothing lost`] },
      ]);
    }
  });

  test.for([...slotNames])("%s is missing: the other slot is used", async (name) => {
    const { disk } = await writtenUpTo(2);
    disk.remove(name);
    expect(found(disk)).toMatchObject({ sequence: 2, said: [`checkpoint-slot-damaged ${name} nothing lost`] });
  });

  test("is repaired at open, so that damage to the other one later costs nothing either", async () => {
    for (const name of slotNames) {
      const { disk } = await writtenUpTo(2);
      const damaged = flip(disk, name, 100);
      const { checkpoint } = readSlots(damaged);
      await repairSlots(damaged, checkpoint!);
      const other = slotNames.find((each) => each !== name)!;
      expect(
        found(
          flip(
            damaged.afterCrash("nothing-unsynced", () => 0.5),
            other,
            100,
          ),
        ),
      ).toMatchObject({ sequence: 2 });
    }
  });

  test("cannot be repaired without room; then the good slot is left alone until the other is whole", async () => {
    const { disk } = await writtenUpTo(2);
    disk.remove("checkpoint.1");
    disk.capacityBytes = disk.usedBytes;
    const { checkpoint } = readSlots(disk);
    await repairSlots(disk, checkpoint!);
    expect(found(disk)).toMatchObject({ sequence: 2, body: bodyOf(2).toString() });
    await expect(
      new CheckpointSlots(disk, checkpoint!.slot).write({ sequence: 3, body: bodyOf(3) }),
    ).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(found(disk)).toMatchObject({ sequence: 2, body: bodyOf(2).toString() });
  });
});

describe("damage to both slots", () => {
  test("is LOG_CORRUPT, with advice", async () => {
    const { disk } = await writtenUpTo(2);
    const both = flip(flip(disk, "checkpoint.0", 400), "checkpoint.1", 100);
    expect(() => readSlots(both)).toThrow(
      expect.objectContaining({
        code: "LOG_CORRUPT",
        message: expect.stringMatching(/both checkpoint slots.*keep a copy.*millrace verify/) as string,
      }),
    );
  });

  test("of the very first checkpoint, torn while it was made, is a directory that was never finished", async () => {
    const disk = freshDisk();
    replace(disk, "checkpoint.1", Buffer.from("half of a check"));
    expect(found(disk)).toMatchObject({
      sequence: undefined,
      said: ["checkpoint-slot-damaged checkpoint.1 nothing lost"],
    });
  });
});

describe("a crash", () => {
  test("while a checkpoint is written leaves it or the one before it, whole, at every call and however the bytes are torn", async () => {
    const random = seededRandom(1);
    // Over several pages, of which each may reach the disk without the others.
    const next = Buffer.from("checkpoint 3 ".repeat(2_000));
    for (const style of [
      "nothing-unsynced",
      "everything",
      "torn-1",
      "torn-512",
      "garbage-tail",
      "names-first",
      "names-last",
      "reordered",
    ] as const) {
      const { disk, slots } = await writtenUpTo(2);
      const forks: SimulatedDisk[] = [];
      disk.faults = (call) => {
        if (call.changes) forks.push(disk.afterCrash(style, random));
        return undefined;
      };
      await slots.write({ sequence: 3, body: next });
      expect(forks.length).toBeGreaterThan(4);
      for (const fork of forks) {
        const { sequence, body } = found(fork);
        expect([style, [2, 3].includes(sequence ?? 0)]).toEqual([style, true]);
        expect([style, body === (sequence === 3 ? next : bodyOf(2)).toString()]).toEqual([style, true]);
      }
    }
  });

  test("between the slots leaves them apart; at open they are brought to the newer one", async () => {
    const { disk, slots } = await writtenUpTo(2);
    const forks: SimulatedDisk[] = [];
    disk.faults = (call) => {
      if (call.operation === "open" && call.path === "checkpoint.0")
        forks.push(disk.afterCrash("everything", () => 0.5));
      return undefined;
    };
    await slots.write({ sequence: 3, body: bodyOf(3) });
    const [between] = forks as [SimulatedDisk];
    expect(slotNames.map((name) => readSlot(between, name))).toMatchObject([{ sequence: 2 }, { sequence: 3 }]);
    await repairSlots(between, readSlots(between).checkpoint!);
    expect(slotNames.map((name) => readSlot(between, name))).toMatchObject([{ sequence: 3 }, { sequence: 3 }]);
  });
});

test("a second slot that finds no room is not taken for the one to keep", async () => {
  const { disk, slots } = await writtenUpTo(2);
  const large = Buffer.alloc(500, "x");
  // Room for one of the two to grow, not for both: the second one ends half overwritten.
  disk.capacityBytes = disk.usedBytes + 500;
  await expect(slots.write({ sequence: 3, body: large })).rejects.toMatchObject({ code: "DISK_FULL" });
  expect(found(disk)).toMatchObject({ sequence: 3, body: large.toString() });
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  const forks: SimulatedDisk[] = [];
  disk.faults = (call) => {
    if (call.changes) forks.push(disk.afterCrash("torn-1", () => 0.4));
    return undefined;
  };
  await slots.write({ sequence: 4, body: bodyOf(4) });
  for (const fork of forks) expect([3, 4]).toContain(found(fork).sequence);
});

test("a checkpoint of a newer release is refused as such, and not the older slot used instead", async () => {
  const { disk } = await writtenUpTo(2);
  const newer = Buffer.from(contentOf(disk, "checkpoint.1"));
  newer.writeUInt32LE(2, 4);
  newer.writeUInt32LE(crc32c(newer.subarray(0, 28)), 28);
  replace(disk, "checkpoint.1", newer);
  expect(() => readSlots(disk)).toThrow(
    expect.objectContaining({
      code: "LOG_VERSION_UNSUPPORTED",
      message: expect.stringMatching(/checkpoint\.1 has version 2/) as string,
    }),
  );
});

test("a slot whose sync failed is made durable by whoever reads it, so that the other one may be written", async () => {
  const { disk, slots } = await writtenUpTo(2);
  disk.faults = (call) => (call.operation === "sync" ? { fail: "EIO" } : undefined);
  await expect(slots.write({ sequence: 3, body: bodyOf(3) })).rejects.toMatchObject({ code: "DISK_FAILED" });
  const next = disk.afterKill();
  const { checkpoint } = readSlots(next);
  expect(checkpoint).toMatchObject({ sequence: 3 });
  await repairSlots(next, checkpoint!);
  const forks: SimulatedDisk[] = [];
  next.faults = (call) => {
    if (call.changes) for (let seed = 0; seed < 10; seed++) forks.push(next.afterCrash("torn-1", seededRandom(seed)));
    return undefined;
  };
  await new CheckpointSlots(next, checkpoint!.slot).write({ sequence: 4, body: bodyOf(4) });
  for (const fork of forks) expect([3, 4]).toContain(found(fork).sequence);
});

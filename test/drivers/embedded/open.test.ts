import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { defaultLimits } from "../../../src/base/limits.js";
import { silentLogger } from "../../../src/base/logger.js";
import { systemRandom } from "../../../src/base/random.js";
import type { ChannelSpec } from "../../../src/driver.js";
import { type EmbeddedOptions, openEmbedded, openMemory } from "../../../src/drivers/embedded/index.js";

const options: EmbeddedOptions = {
  durability: "fsync",
  clock: systemClock,
  logger: silentLogger,
  random: systemRandom,
  limits: { ...defaultLimits, walFileBytes: 256 * 1024, checkpointBytes: 512 * 1024, reserveBytes: 0 },
};

const spec: ChannelSpec = {
  kind: "queue",
  name: "work",
  partitions: 1,
  durable: true,
  retention: { timeMs: Infinity, bytes: Infinity },
  capacity: { messages: 100, bytes: Infinity, whenFull: "block" },
  order: "none",
  priorities: 1,
  dedupMs: undefined,
  expiresMs: undefined,
  compact: false,
  native: undefined,
};

const message = { value: "hello", key: undefined, id: undefined, headers: undefined };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "millrace-driver-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

describe("opening a directory", () => {
  test("makes it, keeps what was sent, and lets go of it when closed", async () => {
    const where = join(root, "deep", "er");
    const driver = await openEmbedded(where, options);
    expect(driver.name).toBe("embedded");
    await (await driver.declare(spec)).publish(message);
    await driver.close();
    await driver.close();
    expect(existsSync(join(where, "LOCK"))).toBe(false);
    const again = await openEmbedded(where, options);
    expect(await again.admin.stats("work")).toMatchObject({ messages: 1 });
    await again.close();
  });

  test("twice at once is refused, naming who has it", async () => {
    const driver = await openEmbedded(root, options);
    await expect(openEmbedded(root, options)).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringContaining(String(process.pid)),
    });
    await driver.close();
    await (await openEmbedded(root, options)).close();
  });

  test("that is a file is refused, and the file stays as it was", async () => {
    const path = join(root, "file");
    writeFileSync(path, "mine");
    await expect(openEmbedded(path, options)).rejects.toMatchObject({ code: "NOT_A_DATA_DIRECTORY" });
    await expect(openEmbedded(join(path, "below"), options)).rejects.toMatchObject({ code: "NOT_A_DATA_DIRECTORY" });
    expect(readdirSync(root)).toEqual(["file"]);
  });

  test("of somebody else is refused, and nothing is left in it", async () => {
    writeFileSync(join(root, "photo.jpg"), "mine");
    await expect(openEmbedded(root, options)).rejects.toMatchObject({ code: "NOT_A_DATA_DIRECTORY" });
    expect(readdirSync(root)).toEqual(["photo.jpg"]);
  });
});

describe("opening memory", () => {
  test("gives the same engine, and each its own", async () => {
    const [one, other] = [await openMemory(options), await openMemory(options)];
    expect(one.name).toBe("memory");
    await (await one.declare(spec)).publish(message);
    await other.declare(spec);
    expect(await other.admin.stats("work")).toMatchObject({ messages: 0 });
    await Promise.all([one.close(), other.close()]);
  });

  test("refuses everything once it is closed", async () => {
    const driver = await openMemory(options);
    const channel = await driver.declare(spec);
    const source = await channel.consume({
      group: "",
      leaseMs: 1000,
      from: "earliest",
      member: undefined,
      onLost: () => {},
    });
    const taking = source.take(1);
    await driver.close();
    expect(await taking).toEqual([]);
    await expect(channel.publish(message)).rejects.toMatchObject({ code: "CLOSED" });
    await expect(channel.publishAll([message])).rejects.toMatchObject({ code: "CLOSED" });
    await expect(driver.declare(spec)).rejects.toMatchObject({ code: "CLOSED" });
    await expect(driver.commit([{ channel, message }])).rejects.toMatchObject({ code: "CLOSED" });
    await expect(source.flush()).rejects.toMatchObject({ code: "CLOSED" });
    expect(await source.take(1)).toEqual([]);
  });
});

describe("what the engine cannot do", () => {
  test.for([["expires", { expiresMs: 5, order: "per-key" }, "sentAt"]] as const)(
    "is refused when it is asked for: %s",
    async ([option, asked, way]) => {
      const driver = await openMemory(options);
      const refusal = await driver.declare({ ...spec, ...asked }).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: "NOT_SUPPORTED" });
      for (const part of ['"work"', option, '"memory"', way]) expect(String(refusal)).toContain(part);
      expect(await driver.admin.channels()).toEqual([]);
      await driver.close();
    },
  );

  test("is data: a level for every ability, and a note for what is not native", async () => {
    const driver = await openMemory(options);
    const refused = Object.entries(driver.supports).filter(([, ability]) => ability.level !== "native");
    expect(refused.map(([name]) => name).sort()).toEqual([]);
    for (const [, ability] of refused)
      expect(ability).toMatchObject({ level: "refused", note: expect.stringMatching(/\. \w/) });
    await driver.close();
  });
});

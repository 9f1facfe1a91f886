import { expect, test } from "vitest";
import { decodeFileHeader } from "../../../src/log/wal/layout.js";
import { filesIn, LogWorld } from "../log-world.js";

test("a file that is used again has a new salt each time, so that no frame of an earlier use continues the chain", async () => {
  const world = await LogWorld.open();
  const salts = new Map<number, number>();
  const names = new Set<string>();
  for (let round = 0; round < 8; round++) {
    for (let count = 0; count < 20; count++) await world.send(world.log.partition(1, 0), "x".repeat(300));
    for (const name of filesIn(world.disk, "wal")) {
      names.add(name);
      const header = decodeFileHeader(Buffer.from(world.disk.bytesOf(`wal/${name}`)));
      if (header !== undefined) salts.set(header.generation, header.salt);
    }
    await world.log.checkpoint();
  }
  expect(salts.size).toBeGreaterThan(names.size);
  expect(new Set(salts.values()).size).toBe(salts.size);
});

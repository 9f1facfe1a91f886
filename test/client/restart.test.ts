/** What a client leaves on a real disk, and finds there again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fixed, open, queue, silentLogger, stream } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";

/** Small files: a test's worth of data does not need more. */
const limits = {
  walFileBytes: 1024 * 1024,
  reserveBytes: 1024 * 1024,
  checkpointBytes: 1024 * 1024,
  segmentBytes: 1024 * 1024,
};

function reopening(): () => Promise<Millrace> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-client-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return () => open(`file:${directory}`, { logger: silentLogger, limits });
}

const work = queue<number>("work", { attempts: 3, backoff: fixed("1ms") });
const events = stream<number>("events", { partitions: 1, attempts: 3, backoff: fixed("1ms") });

test("attempts go on where they were: a message fails twice, and after a restart has one attempt left", async () => {
  for (const [channel, options] of [
    [work, {}],
    [events, { group: "g" }],
  ] as const) {
    const reopen = reopening();
    const before = await reopen();
    await before.send(channel, 1);
    const attempts: number[] = [];
    const failing = before.handle(
      channel,
      async (_value, { attempt }) => {
        attempts.push(attempt);
        if (attempt === 2) failing.pause();
        throw new Error("no");
      },
      options,
    );
    await expect.poll(() => attempts).toEqual([1, 2]);
    await before.close();

    const after = await reopen();
    after.handle(
      channel,
      (_value, { attempt }) => {
        attempts.push(attempt);
        throw new Error("still no");
      },
      options,
    );
    await expect.poll(async () => (await after.admin.dead(channel, options).list()).length).toBe(1);
    expect(attempts).toEqual([1, 2, 3]);
    const [letter] = await after.admin.dead(channel, options).list();
    expect(letter).toMatchObject({ attempts: 3, error: { message: "still no" }, message: { value: 1 } });
    await after.close();
  }
});

test("dead letters and what was settled are there after a restart, and nothing else is", async () => {
  const reopen = reopening();
  const before = await reopen();
  await before.sendAll(work, [1, 2, 3]);
  const consumer = before.handle(
    work,
    (value) => {
      if (value === 2) throw new Error("no");
    },
    { concurrency: 3 },
  );
  await expect.poll(async () => (await before.admin.dead(work).list()).length).toBe(1);
  await consumer.close();
  await before.close();
  const after = await reopen();
  expect(await after.admin.peek(work)).toEqual([]);
  expect(await after.admin.dead(work).redrive({ all: true })).toBe(1);
  await after.close();
  const last = await reopen();
  expect((await last.admin.peek(work)).map((message) => message.value)).toEqual([2]);
  await last.close();
});

test("a channel declared anew with other settings is told apart from one that changed its kind", async () => {
  const reopen = reopening();
  const before = await reopen();
  await before.send(events, 1);
  await before.close();
  const after = await reopen();
  await expect(after.send(queue<number>("events"), 1)).rejects.toMatchObject({ code: "CHANNEL_MISMATCH" });
  await after.send(stream<number>("events", { partitions: 3 }), 2);
  expect(await after.admin.describe("events")).toMatchObject({ partitions: 3 });
  await after.close();
});

import { expect, test } from "vitest";
import { MillraceError, queue } from "../../src/index.js";
import type { LoadSummary } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const numbers = queue<number>("numbers");

function* count(to: number, onEach?: (number: number) => void): Generator<number, void, undefined> {
  for (let number = 1; number <= to; number++) {
    onEach?.(number);
    yield number;
  }
}

test("any iterable is sent in order, in batches, with a word after each", async () => {
  const { mill, driver } = await world();
  const progress: number[] = [];
  const summary = await mill.load(numbers, count(2_500), { onProgress: ({ sent }) => void progress.push(sent) });
  expect(summary).toEqual({ sent: 2_500, duplicates: 0, dropped: 0, elapsedMs: 0 });
  expect(progress).toEqual([1_000, 2_000, 2_500]);
  expect(driver.channel("numbers").texts().map(Number)).toEqual([...count(2_500)]);
});

test("an async iterable is sent as well, and nothing is nothing", async () => {
  const { mill, driver } = await world();
  async function* slowly(): AsyncGenerator<number, void, undefined> {
    yield 1;
    await rest();
    yield 2;
  }
  expect(await mill.load(numbers, slowly(), { headers: { from: "file" } })).toMatchObject({ sent: 2 });
  expect(driver.channel("numbers").records.map(({ incoming }) => incoming.headers)).toEqual([
    { from: "file" },
    { from: "file" },
  ]);
  expect(await mill.load(numbers, [])).toMatchObject({ sent: 0 });
});

test("memory is bounded: only so many batches are on their way, and the source waits", async () => {
  const { mill, driver } = await world();
  await mill.send(numbers, 0);
  let go = (): void => {};
  driver.channel("numbers").hold = new Promise((resolve) => (go = resolve));
  let asked = 0;
  const loading = mill.load(
    numbers,
    count(1_000, (number) => (asked = number)),
    { batch: 10, inFlight: 3 },
  );
  await rest();
  expect(asked).toBe(30);
  go();
  expect(await loading).toMatchObject({ sent: 1_000 });
});

test("a batch closes early when its messages are large", async () => {
  const { mill, driver } = await world({ messageBytesMax: 1_000_000 });
  const texts = queue<string>("texts");
  await mill.load(
    texts,
    Array.from({ length: 5 }, () => "x".repeat(600_000)),
  );
  expect(driver.channel("texts").publishes).toHaveLength(3);
});

test("an error ends the load after what is on its way, and says how far it came", async () => {
  const { mill, driver } = await world();
  const anything = queue<unknown>("anything");
  let asked = 0;
  function* values(): Generator<unknown, void, undefined> {
    for (;;) yield ++asked === 25 ? 10n : asked;
  }
  await expect(mill.load(anything, values(), { batch: 10 })).rejects.toMatchObject({
    code: "PAYLOAD_INVALID",
    message: expect.stringMatching(/^load stopped after 20 values: /) as string,
  });
  expect(asked).toBe(25);
  expect(driver.channel("anything").records).toHaveLength(20);
});

test("it does not end before what is on its way has", async () => {
  const { mill, driver } = await world();
  await mill.send(numbers, 0);
  let go = (): void => {};
  driver.channel("numbers").hold = new Promise((resolve) => (go = resolve));
  let hasEnded = false;
  const values = [1, 2, 3n as never];
  const loading = mill.load(numbers, values, { batch: 2 }).finally(() => (hasEnded = true));
  loading.catch(() => {});
  await rest();
  expect(hasEnded).toBe(false);
  go();
  await expect(loading).rejects.toThrow(/after 2 values/);
});

test("an error of the broker ends it too, and one of the source passes through as it is", async () => {
  const { mill, driver } = await world();
  await mill.send(numbers, 0);
  const refusal = Promise.reject(new MillraceError("DISK_FULL", "no space"));
  refusal.catch(() => {});
  driver.channel("numbers").hold = refusal;
  await expect(mill.load(numbers, count(100), { batch: 10 })).rejects.toMatchObject({
    code: "DISK_FULL",
    message: expect.stringMatching(/after 0 values/) as string,
  });
  const broken = (function* (): Generator<number, void, undefined> {
    yield 1;
    throw new RangeError("the file ends here");
  })();
  driver.channel("numbers").hold = undefined;
  await expect(mill.load(numbers, broken)).rejects.toThrow(RangeError);
});

test("a signal ends it with ABORTED", async () => {
  const { mill } = await world();
  const stop = new AbortController();
  const onProgress = ({ sent }: LoadSummary): void => void (sent >= 30 && stop.abort());
  const loading = mill.load(numbers, count(1_000_000), { batch: 10, inFlight: 1, signal: stop.signal, onProgress });
  await expect(loading).rejects.toMatchObject({
    code: "ABORTED",
    message: expect.stringMatching(/after \d+ values/) as string,
  });
});

test("an onProgress that throws ends the load with its error", async () => {
  const { mill } = await world();
  const onProgress = (): never => {
    throw new RangeError("the display is gone");
  };
  await expect(mill.load(numbers, count(10), { onProgress })).rejects.toThrow(RangeError);
});

test("wrong arguments reject with a TypeError", async () => {
  const { mill } = await world();
  await expect(mill.load(numbers, 7 as never)).rejects.toThrow(/takes an iterable/);
  await expect(mill.load(numbers, "123" as never)).rejects.toThrow(/takes an iterable/);
  await expect(mill.load(numbers, [], { batch: 0 })).rejects.toThrow(/batch must be/);
  await expect(mill.load(numbers, [], { size: 1 } as never)).rejects.toThrow(/no option "size"/);
  await expect(mill.load("numbers" as never, [])).rejects.toThrow(/a channel is needed/);
});

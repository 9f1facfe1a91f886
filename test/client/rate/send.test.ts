/** Limits on the side that sends: a send waits for its turn, or is refused. */
import { expect, test } from "vitest";
import { leakyBucket, queue, rateLimit, tokenBucket } from "../../../src/index.js";
import { rest } from "../manual-clock.js";
import { world } from "../world.js";

const channel = queue<string>("q");
const onePerSecond = () => leakyBucket<string>({ limit: 1, every: "1s" });
const tenantOf = (value: string): string => value[0] ?? "";

test("sends wait for their turn, in the order of the calls", async () => {
  const { mill, driver, clock } = await world();
  const slow = rateLimit(channel, onePerSecond());
  const sent: string[] = [];
  for (const value of ["a", "b", "c"]) void mill.send(slow, value).then(() => sent.push(value));
  await rest();
  expect(sent).toEqual(["a"]);
  await clock.advance(999);
  expect(sent).toEqual(["a"]);
  await clock.advance(1);
  expect(sent).toEqual(["a", "b"]);
  await clock.advance(1_000);
  expect(driver.channel("q").texts()).toEqual(['"a"', '"b"', '"c"']);
});

test("the channel itself is as free as before, and handled through either", async () => {
  const { mill, clock } = await world();
  const slow = rateLimit(channel, onePerSecond());
  const seen: string[] = [];
  mill.handle(slow, (value) => void seen.push(value));
  await mill.sendAll(channel, ["a", "b", "c"]);
  await mill.send(slow, "d");
  await clock.advance(0);
  expect(seen).toEqual(["a", "b", "c", "d"]);
});

test("a value is taken as it was at the call, however long it waits", async () => {
  const { mill, driver, clock } = await world();
  const orders = queue<{ n: number }>("orders");
  const slow = rateLimit(orders, leakyBucket({ limit: 1, every: "1s" }));
  const order = { n: 1 };
  const sends = [mill.send(slow, order), mill.send(slow, order)];
  order.n = 2;
  await clock.advance(1_000);
  await Promise.all(sends);
  expect(driver.channel("orders").texts()).toEqual(['{"n":1}', '{"n":1}']);
});

test("by choice a send is refused instead, and told when to come again", async () => {
  const { mill, clock } = await world();
  const strict = rateLimit(channel, tokenBucket({ limit: 1, every: "10s", burst: 2 }), { whenOver: "reject" });
  await mill.sendAll(strict, ["a", "b"]);
  await clock.advance(4_000);
  await expect(mill.send(strict, "c")).rejects.toMatchObject({
    code: "RATE_LIMITED",
    retryable: true,
    retryAfterMs: 6_000,
  });
  await clock.advance(6_000);
  await expect(mill.send(strict, "c")).resolves.toMatchObject({ dropped: false });
});

test("a wait ends with the signal or the timeout: nothing was sent, and the next one has the turn", async () => {
  const { mill, driver, clock } = await world();
  const slow = rateLimit(channel, onePerSecond());
  await mill.send(slow, "a");
  const stop = new AbortController();
  const aborted = mill.send(slow, "b", { signal: stop.signal });
  const late = mill.send(slow, "c", { timeout: 500 });
  const sent = mill.send(slow, "d");
  const refused = Promise.allSettled([aborted, late]);
  await clock.advance(400);
  stop.abort(new Error("changed my mind"));
  await clock.advance(100);
  expect(await refused).toMatchObject([{ reason: { code: "ABORTED" } }, { reason: { code: "TIMEOUT" } }]);
  await clock.advance(500);
  await sent;
  expect([driver.channel("q").texts(), clock.timers]).toEqual([['"a"', '"d"'], 0]);
});

test("the time a send may take counts for both waits: for its turn, and for room", async () => {
  const { mill, driver, clock } = await world();
  const slow = rateLimit(channel, onePerSecond());
  await mill.send(slow, "a");
  const sent = mill.send(slow, "b", { timeout: 5_000 });
  await clock.advance(1_000);
  await sent;
  expect(driver.channel("q").publishes.at(-1)).toMatchObject({ timeoutMs: 4_000 });
});

test("per key, each key has the limit for itself", async () => {
  const { mill, driver, clock } = await world();
  const slow = rateLimit(channel, leakyBucket({ limit: 1, every: "1s", per: tenantOf }));
  const sends = ["a1", "a2", "b1"].map((value) => mill.send(slow, value));
  await rest();
  expect(driver.channel("q").texts()).toEqual(['"a1"', '"b1"']);
  await clock.advance(1_000);
  await Promise.all(sends);
  expect(driver.channel("q").texts()).toEqual(['"a1"', '"b1"', '"a2"']);
});

test("the key a message has can be what is counted", async () => {
  const { mill } = await world();
  const per = (_value: string, key: string | undefined): string => key ?? "none";
  const strict = rateLimit(channel, leakyBucket({ limit: 1, every: "1s", per }), { whenOver: "reject" });
  await mill.send(strict, "a", { key: "k" });
  await mill.send(strict, "a");
  await expect(mill.send(strict, "a", { key: "k" })).rejects.toMatchObject({ code: "RATE_LIMITED" });
});

test("sendAll costs as many tokens as it has values, and goes as one batch", async () => {
  const { mill, driver, clock } = await world();
  const slow = rateLimit(channel, tokenBucket({ limit: 1, every: "1s", burst: 3 }));
  await mill.sendAll(slow, ["a", "b"]);
  const second = mill.sendAll(slow, ["c", "d", "e"]);
  await clock.advance(1_999);
  expect(driver.channel("q").texts()).toHaveLength(2);
  await clock.advance(1);
  await second;
  expect(driver.channel("q").texts()).toHaveLength(5);
});

test("load fetches values as the limit allows", async () => {
  const { mill, driver, clock } = await world();
  const slow = rateLimit(channel, tokenBucket({ limit: 1, every: "1s", burst: 2 }));
  let fetched = 0;
  function* values(): Generator<string> {
    for (; fetched < 5; fetched++) yield String(fetched);
  }
  const loading = mill.load(slow, values(), { batch: 1 });
  await rest();
  expect(fetched).toBe(2);
  await clock.advance(3_000);
  expect(await loading).toMatchObject({ sent: 5 });
  expect(driver.channel("q").texts()).toHaveLength(5);
});

test("in a transaction a send waits for its turn when it is staged", async () => {
  const { mill, driver, clock } = await world();
  const slow = rateLimit(channel, onePerSecond());
  const done = mill.transaction(async (transaction) => {
    await transaction.send(slow, "a");
    await transaction.send(slow, "b");
  });
  await clock.advance(999);
  expect(driver.channel("q").texts()).toEqual([]);
  await clock.advance(1);
  await done;
  expect(driver.channel("q").texts()).toEqual(['"a"', '"b"']);
});

test("so many sends may wait at once: the next is refused", async () => {
  const { mill, clock } = await world();
  const slow = rateLimit(channel, onePerSecond(), { waitingMax: 2 });
  const sends = ["a", "b", "c"].map((value) => mill.send(slow, value));
  await rest();
  await expect(mill.send(slow, "d")).rejects.toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 3_000 });
  await clock.advance(2_000);
  await expect(Promise.all(sends)).resolves.toHaveLength(3);
});

test("wrong arguments are refused at the call", () => {
  expect(() => rateLimit(channel, {} as never)).toThrow(/must be made by/);
  expect(() => rateLimit(channel, onePerSecond(), { whenOver: "drop" as never })).toThrow(/whenOver/);
  expect(() => rateLimit(channel, onePerSecond(), { waitingMax: 0 })).toThrow(/waitingMax/);
});

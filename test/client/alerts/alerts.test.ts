import { onTestFinished, expect, test } from "vitest";
import { fixed, open, queue, reject, silentLogger, stream, topic } from "../../../src/index.js";
import type { Alert, AlertRule, Alerts, Millrace } from "../../../src/index.js";
import { ManualClock } from "../manual-clock.js";
import { world } from "../world.js";

const orders = queue<number>("orders", { attempts: 1 });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

interface Watching {
  readonly mill: Millrace;
  readonly clock: ManualClock;
  readonly told: Alert[];
  readonly alerts: Alerts;
}

async function watching(...rules: AlertRule[]): Promise<Watching> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.999 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  const told: Alert[] = [];
  const alerts = mill.admin.alerts(rules, { notify: (alert) => void told.push(alert) });
  return { mill, clock, told, alerts };
}

const words = (told: readonly Alert[]): string[] =>
  told.map(({ state, when, channel, group, value }) => `${state} ${when} ${channel}/${group} ${value}`);

test("depth fires once above its threshold, and resolves once at the lower one", async () => {
  const { mill, clock, told, alerts } = await watching({ when: "depth", channel: "orders", above: 10, resolveAt: 5 });
  await mill.sendAll(orders, numbers(11));
  await clock.advance(60_000);
  expect(words(told)).toEqual(["firing depth orders/ 11"]);
  expect(alerts.firing()).toEqual([
    {
      state: "firing",
      rule: "depth of orders above 10",
      when: "depth",
      channel: "orders",
      group: "",
      value: 11,
      above: 10,
      since: new Date(clock.nowMs() - 50_000).toISOString(),
    },
  ]);
  let left = 5;
  const consumer = mill.handle(orders, () => {
    if (--left === 0) consumer.pause();
  });
  await clock.advance(10_000);
  expect(told).toHaveLength(1);
  left = 1;
  consumer.resume();
  await clock.advance(10_000);
  expect(words(told)).toEqual(["firing depth orders/ 11", "resolved depth orders/ 5"]);
  expect(alerts.firing()).toEqual([]);
});

test("the oldest message is measured as a duration, and only when it has been so for long enough", async () => {
  const { mill, clock, told } = await watching({ when: "oldest", above: "1m", for: "30s" });
  await mill.send(orders, 1);
  await clock.advance(90_000);
  expect(told).toEqual([]);
  await clock.advance(20_000);
  expect(told).toMatchObject([{ when: "oldest", channel: "orders", above: 60_000 }]);
});

test("dead letters are watched by where they come from, of queues and of each group", async () => {
  const { mill, clock, told } = await watching({ when: "dead" });
  const events = stream<number>("events", { partitions: 1, attempts: 1 });
  await mill.send(orders, 1);
  await mill.send(events, 1);
  mill.handle(orders, () => reject("no"));
  mill.handle(events, () => reject("no"), { group: "audit" });
  mill.handle(events, () => {}, { group: "mail" });
  await clock.advance(10_000);
  expect(words(told).toSorted()).toEqual(["firing dead events/audit 1", "firing dead orders/ 1"]);
  await mill.admin.dead(orders).drop({ all: true });
  await clock.advance(10_000);
  expect(words(told).at(-1)).toBe("resolved dead orders/ 0");
});

test("drops are those since the last look", async () => {
  const { mill, clock, told } = await watching({ when: "drops", above: 1 });
  const news = topic<number>("news", { durable: false, buffer: { messages: 1, whenFull: "drop-oldest" } });
  const consumer = mill.handle(news, () => new Promise(() => {}));
  await consumer.ready;
  await clock.advance(10_000);
  await mill.sendAll(news, numbers(10));
  await clock.advance(10_000);
  expect(told).toMatchObject([{ state: "firing", when: "drops", channel: "news" }]);
  await clock.advance(10_000);
  expect(told).toMatchObject([{ state: "firing" }, { state: "resolved", value: 0 }]);
});

test("lag in messages and in time, of every group or of one", async () => {
  const { mill, clock, told } = await watching(
    { when: "lag", above: 2 },
    { when: "lag-time", group: "slow", above: "15s" },
  );
  const events = stream<number>("events", { partitions: 2 });
  const slow = mill.handle(events, () => {}, { group: "slow" });
  mill.handle(events, () => {}, { group: "fast" });
  await clock.advance(0);
  await slow.close();
  await mill.sendAll(events, numbers(4));
  await clock.advance(10_000);
  expect(words(told)).toEqual(["firing lag events/slow 4"]);
  await clock.advance(10_000);
  expect(told.at(-1)).toMatchObject({ when: "lag-time", group: "slow", value: 20_000 });
  mill.handle(events, () => {}, { group: "slow" });
  await clock.advance(10_000);
  expect(told.filter(({ state }) => state === "resolved")).toHaveLength(2);
});

test("messages that wait while nobody handles them are unattended", async () => {
  const { mill, clock, told } = await watching({ when: "unattended", for: "20s" });
  await mill.send(orders, 1);
  await clock.advance(20_000);
  expect(told).toEqual([]);
  await clock.advance(10_000);
  expect(words(told)).toEqual(["firing unattended orders/ 1"]);
  mill.handle(orders, () => {});
  await clock.advance(10_000);
  expect(words(told).at(-1)).toBe("resolved unattended orders/ 0");
});

test("a consumer that takes what happens for an outage is told of", async () => {
  const { mill, clock, told } = await watching({ when: "outage" });
  let isDown = true;
  await mill.sendAll(orders, numbers(10));
  mill.handle(
    orders,
    async () => {
      if (isDown) throw new Error("down");
    },
    { outage: { samples: 2, probe: fixed("1s") } },
  );
  await clock.advance(10_000);
  isDown = false;
  await clock.advance(20_000);
  expect(words(told)).toEqual(["firing outage orders/ 1", "resolved outage orders/ 0"]);
});

test("a consumer that is stalled is told of", async () => {
  const { mill, driver, clock } = await world();
  const told: Alert[] = [];
  mill.admin.alerts([{ when: "stalled" }], { every: "1s", notify: (alert) => void told.push(alert) });
  const consumer = mill.handle(orders, () => {});
  await clock.advance(0);
  driver.channel("orders").consumeFailure = Object.assign(new Error("gone"), {});
  const { MillraceError } = await import("../../../src/index.js");
  driver.channel("orders").consumeFailure = new MillraceError("TIMEOUT", "no answer");
  driver.channel("orders").source().fail(new MillraceError("TIMEOUT", "no answer"));
  await clock.advance(2_000);
  expect(consumer.state).toBe("stalled");
  expect(words(told)).toEqual(["firing stalled orders/ 1"]);
  driver.channel("orders").consumeFailure = undefined;
  await clock.advance(60_000);
  expect(words(told).at(-1)).toBe("resolved stalled orders/ 0");
});

test("a rule that cannot be looked at changes nothing, and the others are looked at", async () => {
  const { mill, driver, clock, log } = await world();
  const told: Alert[] = [];
  const rules: AlertRule[] = [
    { when: "lag", above: 0 },
    { when: "depth", above: 0 },
  ];
  const alerts = mill.admin.alerts(rules, { notify: (alert) => void told.push(alert) });
  const events = stream<number>("events", { partitions: 1 });
  await mill.send(orders, 1);
  await mill.send(events, 1);
  driver.channel("events").group("g");
  await alerts.check();
  driver.admin.groups = () => Promise.reject(new Error("no answer"));
  await mill.admin.dead(orders).list();
  await alerts.check();
  await clock.advance(0);
  expect(words(told)).toEqual(["firing lag events/g 1", "firing depth orders/ 1"]);
  expect(alerts.firing()).toHaveLength(2);
  expect(log.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test("what notify throws is logged, and does not stop anything", async () => {
  const { mill, clock, log } = await world();
  const notify = (): never => {
    throw new Error("no mail today");
  };
  const alerts = mill.admin.alerts([{ when: "depth", above: 0, name: "too much" }], { notify });
  await mill.send(orders, 1);
  await clock.advance(10_000);
  expect(alerts.firing()).toHaveLength(1);
  expect(log.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual([
    "alert: too much",
    "an alert's notify failed",
  ]);
});

test("closed, or with its Millrace, it looks no more", async () => {
  const { mill, clock } = await world();
  const first = mill.admin.alerts([{ when: "depth", above: 0 }]);
  mill.admin.alerts([{ when: "depth", above: 1 }]);
  const timers = clock.timers;
  first.close();
  expect(clock.timers).toBe(timers - 1);
  await mill.close();
  expect(clock.timers).toBe(timers - 2);
  expect(() => mill.admin.alerts([{ when: "dead" }])).toThrow(/closed/);
});

test("the rules are data: they survive being written as JSON", async () => {
  const rules: AlertRule[] = [{ when: "oldest", channel: "orders", above: "5m", resolveAt: "1m", for: "30s" }];
  expect(JSON.parse(JSON.stringify(rules))).toEqual(rules);
});

const wrong: readonly unknown[] = [
  [],
  {},
  [{ when: "depth" }],
  [{ when: "size", above: 1 }],
  [{ when: "depth", above: "5m" }],
  [{ when: "oldest", above: "soon" }],
  [{ when: "depth", above: 5, resolveAt: 6 }],
  [{ when: "depth", above: 5, channel: "a b" }],
  [{ when: "dead" }, { when: "dead" }],
  [{ when: "dead", name: "" }],
  [{ when: "dead", every: "1s" }],
];

test.for(wrong)("%o are no rules", async (rules) => {
  const { mill } = await world();
  expect(() => mill.admin.alerts(rules as AlertRule[])).toThrow(TypeError);
});

test("wrong options are a TypeError", async () => {
  const { mill } = await world();
  for (const options of [
    { every: 0 },
    { notify: 1 },
    { webhook: { url: "x" } },
    { webhook: { url: "ftp://x" } },
    { webhook: { url: "https://example.org", attempts: 0 } },
    { often: 1 },
  ])
    expect(() => mill.admin.alerts([{ when: "dead" }], options as never)).toThrow(TypeError);
});

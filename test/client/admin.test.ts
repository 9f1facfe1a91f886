import { expect, test } from "vitest";
import { queue, stream, text } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const emails = queue<{ to: string }>("emails", { attempts: 7 });

test("channels, settings, numbers, groups and lag are what the driver says", async () => {
  const { mill } = await world();
  await mill.sendAll(emails, [{ to: "a" }, { to: "b" }]);
  await mill.handle(stream<number>("events"), () => {}, { group: "g" }).ready;
  expect(await mill.admin.channels()).toEqual([
    { name: "emails", kind: "queue", durable: true, partitions: 1 },
    { name: "events", kind: "stream", durable: true, partitions: 4 },
  ]);
  expect(await mill.admin.describe("events")).toMatchObject({ kind: "stream", partitions: 4 });
  expect(await mill.admin.stats(emails)).toMatchObject({ messages: 2, ready: 2 });
  expect(await mill.admin.groups("events")).toEqual([{ name: "g", members: 1 }]);
  expect(await mill.admin.lag("events", "g")).toMatchObject([{ messages: 0 }]);
});

test("peek shows messages with their state, decoded when asked, and changes nothing", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(emails, [{ to: "a" }, { to: "b" }, { to: "c" }]);
  const [first, second] = await mill.admin.peek(emails, { limit: 2 });
  expect([first?.value, first?.state, first?.attempts, first?.until]).toEqual([{ to: "a" }, "ready", 0, undefined]);
  const rest = await mill.admin.peek<{ to: string }>("emails", { after: second!.id });
  expect(rest.map((message) => message.value.to)).toEqual(["c"]);
  expect(
    driver
      .channel("emails")
      .group("")
      .entries.map((entry) => entry.state),
  ).toEqual(["ready", "ready", "ready"]);
});

test("peek tells when a leased message's lease ends", async () => {
  const { mill, clock } = await world();
  await mill.send(emails, { to: "a" });
  mill.handle(emails, () => new Promise(() => {}));
  await rest();
  const [message] = await mill.admin.peek(emails);
  expect([message?.state, message?.attempts, message?.until]).toEqual(["leased", 1, new Date(clock.nowMs() + 30_000)]);
});

test("a channel can be had as it is stored, without changing it: also one whose name cannot be declared", async () => {
  const { mill, driver, clock } = await world();
  const once = queue<string>("once", { attempts: 1, capacity: { messages: 5, whenFull: "reject" }, codec: text });
  await mill.send(once, "x");
  mill.handle(once, () => Promise.reject(new Error("no")));
  await clock.advance(0);
  const stored = await mill.admin.channel("once", text);
  await mill.send(stored, "y");
  expect(driver.declared.filter((spec) => spec.name === "once").at(-1)).toEqual(driver.declared[0]);
  const dead = await mill.admin.channel("once.dead", text);
  const [letter] = await mill.admin.peek(dead);
  expect(letter?.value).toBe("x");
  expect(await mill.admin.channel("once")).toMatchObject({ codec: { name: "json" }, policy: { attempts: 5 } });
});

test("a channel that does not exist rejects with CHANNEL_UNKNOWN everywhere", async () => {
  const { mill } = await world();
  const { admin } = mill;
  const asked = [
    admin.describe("nope"),
    admin.channel("nope"),
    admin.stats("nope"),
    admin.groups("nope"),
    admin.lag("nope", "g"),
    admin.peek("nope"),
    admin.peek(emails),
    admin.dead("nope").list(),
    admin.dead("nope").drop({ all: true }),
    admin.dead("nope").redrive({ all: true }),
  ];
  for (const each of asked) await expect(each).rejects.toMatchObject({ code: "CHANNEL_UNKNOWN" });
});

test("wrong arguments are a TypeError", async () => {
  const { mill } = await world();
  const { admin } = mill;
  await expect(admin.stats(7 as never)).rejects.toThrow(TypeError);
  await expect(admin.stats("../x")).rejects.toThrow(TypeError);
  await expect(admin.peek(emails, { limit: 0 })).rejects.toThrow(/limit/);
  await expect(admin.peek(emails, { first: 1 } as never)).rejects.toThrow(/no option "first"/);
  await expect(admin.lag("s", "a b")).rejects.toThrow(TypeError);
  expect(() => admin.dead(emails, { group: "" })).toThrow(TypeError);
});

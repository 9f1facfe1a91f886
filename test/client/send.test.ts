import { expect, test } from "vitest";
import { bytes, queue, stream, text, topic } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

interface Email {
  to: string;
}

const emails = queue<Email>("emails");

test("a sent value is stored as its codec writes it, and the receipt tells its position", async () => {
  const { mill, driver } = await world();
  const receipt = await mill.send(emails, { to: "ada" });
  expect(receipt).toEqual({ id: "emails/0/0", duplicate: false, dropped: false });
  expect(driver.channel("emails").texts()).toEqual(['{"to":"ada"}']);
});

test("a channel is declared once, however often it is used, and not before", async () => {
  const { mill, driver } = await world();
  expect(driver.declared).toEqual([]);
  await Promise.all([mill.send(emails, { to: "a" }), mill.send(emails, { to: "b" })]);
  await mill.send(emails, { to: "c" });
  expect(driver.declared.map((spec) => spec.name)).toEqual(["emails"]);
});

test("sends keep the order of the calls, also while the channel is being declared", async () => {
  const { mill, driver } = await world();
  const sends = ["1", "2"].map((to) => mill.send(emails, { to }));
  sends.push(mill.sendAll(emails, [{ to: "3" }, { to: "4" }]).then((receipts) => receipts[0]!));
  sends.push(mill.send(emails, { to: "5" }, { key: "k" }));
  await sends[0];
  sends.push(mill.send(emails, { to: "6" }));
  await Promise.all(sends);
  expect(
    driver
      .channel("emails")
      .texts()
      .map((each) => (JSON.parse(each) as Email).to),
  ).toEqual(["1", "2", "3", "4", "5", "6"]);
});

test("a value that is changed after the call is stored as it was at the call", async () => {
  const { mill, driver } = await world();
  const email = { to: "before" };
  const headers = { h: "before" };
  const sending = mill.send(emails, email, { headers });
  email.to = "after";
  headers.h = "after";
  await sending;
  expect(driver.channel("emails").texts()).toEqual(['{"to":"before"}']);
  expect(driver.channel("emails").records[0]?.incoming.headers).toEqual({ h: "before" });
});

test("key and id come from the channel, and what a send says goes before them", async () => {
  const { mill, driver } = await world();
  const orders = stream<{ id: string; customer: string }>("orders", {
    key: (order) => order.customer,
    id: (order) => order.id,
  });
  await mill.send(orders, { id: "1", customer: "ada" });
  await mill.send(orders, { id: "2", customer: "bob" }, { key: "k", id: "i", headers: { trace: "t" } });
  const stored = driver.channel("orders").records.map(({ incoming }) => [incoming.key, incoming.id, incoming.headers]);
  expect(stored).toEqual([
    ["ada", "1", {}],
    ["k", "i", { trace: "t" }],
  ]);
});

test("a send that may not wait for ever says so to the driver", async () => {
  const { mill, driver } = await world();
  const { signal } = new AbortController();
  await mill.send(emails, { to: "a" });
  await mill.send(emails, { to: "b" }, { timeout: "2s", signal });
  await mill.send(emails, { to: "c" }, { headers: { a: "b" } });
  expect(driver.channel("emails").publishes).toEqual([undefined, { timeoutMs: 2_000, signal }, undefined]);
});

test("a full channel's refusal reaches the sender as it is", async () => {
  const { mill } = await world();
  const small = queue<string>("small", { capacity: { messages: 1, whenFull: "reject" } });
  await mill.send(small, "a");
  await expect(mill.send(small, "b")).rejects.toMatchObject({ code: "QUEUE_FULL", retryable: true });
});

test("a declaration that failed is tried again by the next send", async () => {
  const { mill, driver } = await world();
  driver.declareFailure = new Error("not now");
  await expect(mill.send(emails, { to: "a" })).rejects.toThrow("not now");
  driver.declareFailure = undefined;
  await expect(mill.send(emails, { to: "b" })).resolves.toMatchObject({ id: "emails/0/0" });
});

test("a payload that JSON cannot hold is refused, naming the channel, and nothing is stored", async () => {
  const { mill, driver } = await world();
  const anything = queue<unknown>("anything");
  for (const value of [undefined, () => 1, 10n]) {
    await expect(mill.send(anything, value)).rejects.toMatchObject({ code: "PAYLOAD_INVALID" });
  }
  await expect(mill.send(anything, undefined)).rejects.toThrow(/queue "anything"/);
  await mill.send(anything, null);
  expect(driver.channel("anything").texts()).toEqual(["null"]);
});

test("a payload over the limit is refused with its size, counting key and headers, in bytes and not in characters", async () => {
  const { mill, driver } = await world({ messageBytesMax: 30 });
  const texts = queue<string>("texts", { codec: text });
  await mill.send(texts, "x".repeat(30));
  await mill.send(texts, "ä".repeat(15));
  await expect(mill.send(texts, "ä".repeat(16))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  await expect(mill.send(texts, "x".repeat(31))).rejects.toThrow(/31 bytes.*over the 30/);
  await expect(mill.send(texts, "x".repeat(28), { key: "abc" })).rejects.toThrow(/31 bytes/);
  await expect(mill.send(texts, "x".repeat(28), { headers: { a: "bc" } })).rejects.toThrow(/31 bytes/);
  await mill.send(texts, "x".repeat(28), { headers: { a: "b" } });
  const files = queue<Uint8Array>("files", { codec: bytes });
  await expect(mill.send(files, new Uint8Array(31))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  expect(driver.channel("texts").records).toHaveLength(3);
});

test("a codec of one's own that fails, or encodes to something else, is told by its name", async () => {
  const { mill } = await world();
  const decode = (): string => "";
  const failing = queue<string>("failing", {
    codec: {
      name: "mine",
      encode() {
        throw new RangeError("out of ink");
      },
      decode,
    },
  });
  await expect(mill.send(failing, "x")).rejects.toThrow(/codec "mine" could not encode.*out of ink/);
  const strange = queue<string>("strange", { codec: { name: "mine", encode: () => 7 as never, decode } });
  await expect(mill.send(strange, "x")).rejects.toThrow(/codec "mine" must encode to a string or a Uint8Array, not 7/);
});

test("wrong arguments reject with a TypeError that says what is right", async () => {
  const { mill } = await world();
  const wrong: readonly [Promise<unknown>, RegExp][] = [
    [mill.send("emails" as never, 1), /a channel is needed first/],
    [mill.send(undefined as never, 1), /a channel is needed first/],
    [mill.send({ name: "emails" } as never, 1), /a channel is needed first/],
    [mill.send(emails, { to: "" }, { idd: "x" } as never), /no option "idd"/],
    [mill.send(emails, { to: "" }, 7 as never), /must be an object/],
    [mill.send(emails, { to: "" }, { key: 7 as never }), /key must be a string, not 7/],
    [mill.send(stream("s"), 1, { id: "" }), /id must be a string of 1 to 1000 characters/],
    [mill.send(emails, { to: "" }, { headers: { a: 1 } as never }), /header "a" must be a string, not 1/],
    [mill.send(emails, { to: "" }, { headers: { "millrace-dead-id": "x" } }), /cannot be a header/],
    [mill.send(emails, { to: "" }, { timeout: "long" as never }), /timeout must be a duration/],
    [mill.send(emails, { to: "" }, { signal: {} as never }), /signal must be an AbortSignal/],
    [mill.send(queue<number>("keyed", { key: () => 7 as never }), 1), /key function must return a string/],
    [mill.sendAll(emails, "abc" as never), /an array of values, not "abc".*load/],
    [mill.sendAll(emails, [], { id: "x" } as never), /no option "id"/],
  ];
  for (const [sending, message] of wrong) {
    await expect(sending).rejects.toThrow(TypeError);
    await expect(sending).rejects.toThrow(message);
  }
});

test("a signal that has aborted before stops the send", async () => {
  const { mill, driver } = await world();
  await expect(mill.send(emails, { to: "" }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "ABORTED",
  });
  expect(driver.declared).toEqual([]);
});

test("sendAll stores all values in their order as one batch, and returns a receipt for each", async () => {
  const { mill, driver } = await world();
  const receipts = await mill.sendAll(emails, [{ to: "a" }, { to: "b" }], { headers: { h: "1" } });
  expect(receipts.map((receipt) => receipt.id)).toEqual(["emails/0/0", "emails/0/1"]);
  expect(driver.channel("emails").records.map(({ incoming }) => incoming.headers)).toEqual([{ h: "1" }, { h: "1" }]);
  expect(driver.channel("emails").publishes).toHaveLength(1);
});

test("sendAll of nothing is nothing, and one value that cannot be sent stops them all", async () => {
  const { mill, driver } = await world();
  expect(await mill.sendAll(emails, [])).toEqual([]);
  await expect(mill.sendAll(queue<unknown>("all"), [1, 2n, 3])).rejects.toMatchObject({ code: "PAYLOAD_INVALID" });
  expect(driver.declared).toEqual([]);
});

test("a topic takes what it is sent, durable or not", async () => {
  const { mill, driver } = await world();
  await mill.send(topic<string>("alerts"), "a");
  await mill.send(topic<string>("ticker", { durable: false }), "b");
  await rest();
  expect(driver.channel("alerts").texts()).toEqual(['"a"']);
  expect(driver.channel("ticker").texts()).toEqual(['"b"']);
});

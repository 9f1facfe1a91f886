/** The middleware in front of a real server. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { loadShedder, queue } from "../../../src/index.js";
import type { LoadShedder } from "../../../src/index.js";
import { rest } from "../manual-clock.js";
import { world } from "../world.js";

const orders = queue<number>("orders");

/** A shop that takes an order with each request. */
async function serve(shedder: LoadShedder, take: () => Promise<unknown>): Promise<() => Promise<Response>> {
  const server = createServer((request, response) => {
    shedder(request, response, () => {
      void take().then(() => response.writeHead(202).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return () => fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
}

test("requests are turned away while too much waits, told when to come again, and let in when that is done", async () => {
  const { mill, clock } = await world();
  const finish: (() => void)[] = [];
  await mill.sendAll(orders, [1, 2, 3]);
  const shedder = loadShedder(mill, { channel: orders, depth: { enter: 5, leave: 2 }, every: "1s", clock });
  onTestFinished(() => shedder.close());
  await rest();
  const request = await serve(shedder, () => mill.send(orders, 0));
  expect((await request()).status).toBe(202);
  expect((await request()).status).toBe(202);
  // Five wait now, and that is seen at the next look.
  expect((await request()).status).toBe(202);
  await clock.advance(1_000);
  const refused = await request();
  expect([refused.status, refused.headers.get("retry-after"), shedder.reasons, shedder.shed]).toEqual([
    503,
    "5",
    ["depth"],
    1,
  ]);
  mill.handle(orders, () => new Promise<void>((resolve) => void finish.push(resolve)), { concurrency: 10 });
  await rest();
  finish.splice(0, 2).forEach((done) => done());
  await clock.advance(4_000);
  // Two were done in five seconds, and four are left, two too many: five seconds more.
  const still = await request();
  expect([still.status, still.headers.get("retry-after")]).toEqual([503, "5"]);
  finish.splice(0, 2).forEach((done) => done());
  await clock.advance(1_000);
  expect((await request()).status).toBe(202);
  finish.splice(0).forEach((done) => done());
});

test("it looks at intervals, not at requests", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(orders, 1);
  let looks = 0;
  const stats = driver.admin.stats.bind(driver.admin);
  driver.admin.stats = (name) => {
    looks += 1;
    return stats(name);
  };
  const shedder = loadShedder(mill, { channel: orders, depth: 1, every: "10s", clock });
  await rest();
  for (let count = 0; count < 1_000; count++) expect(shedder.admits()).toBe(false);
  expect([looks, shedder.shed, shedder.pressure?.depth]).toEqual([1, 1_000, 1]);
  await clock.advance(30_000);
  expect(looks).toBe(4);
  shedder.close();
  await clock.advance(30_000);
  expect([looks, shedder.admits(), clock.timers]).toEqual([4, true, 0]);
});

test("when it cannot look, it admits, and goes on looking", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(orders, 1);
  const shedder = loadShedder(mill, { channel: orders, depth: 1, clock });
  await rest();
  expect(shedder.admits()).toBe(false);
  const stats = driver.admin.stats.bind(driver.admin);
  driver.admin.stats = () => Promise.reject(new Error("the broker is away"));
  await clock.advance(1_000);
  expect(shedder.admits()).toBe(true);
  await expect(shedder.look()).rejects.toThrow("the broker is away");
  driver.admin.stats = stats;
  await clock.advance(1_000);
  expect(shedder.admits()).toBe(false);
});

test("it ends with its Millrace", async () => {
  const { mill, clock } = await world();
  await mill.send(orders, 1);
  const shedder = loadShedder(mill, { channel: orders, depth: 1, clock });
  await rest();
  await mill.close();
  await clock.advance(1_000);
  expect([shedder.admits(), clock.timers]).toEqual([true, 0]);
});

test("wrong options are refused at the call", async () => {
  const { mill } = await world();
  expect(() => loadShedder(mill, { channel: orders })).toThrow(/say depth, oldest or wait/);
  expect(() => loadShedder(mill, { channel: orders, depth: 1, every: 0 })).toThrow(/every/);
  expect(() => loadShedder({} as never, { channel: orders, depth: 1 })).toThrow(/takes a Millrace/);
  expect(() => loadShedder(mill, { channel: orders, deep: 1 } as never)).toThrow(TypeError);
});

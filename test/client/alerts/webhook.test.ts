import { expect, test } from "vitest";
import { Webhook } from "../../../src/client/alerts/webhook.js";
import type { Post } from "../../../src/client/alerts/webhook.js";
import { ManualClock } from "../manual-clock.js";
import type { LogLine } from "../world.js";

interface Posted {
  readonly url: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

function webhook(answer: (attempt: number, signal: AbortSignal) => Promise<number>, attempts = 3) {
  const clock = new ManualClock();
  const posted: Posted[] = [];
  const log: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void log.push({ level, fields, message });
  const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const post: Post = async (url, { body, headers, signal }) => {
    posted.push({ url, body: JSON.parse(body), headers });
    const status = await answer(posted.length, signal);
    return { ok: status < 300, status };
  };
  const options = { url: "https://example.org/alerts", headers: { authorization: "secret" }, attempts };
  return { hook: new Webhook(options, { clock, random: () => 0.5, logger, post }), clock, posted, log };
}

test("an alert is posted as JSON, with the headers asked for", async () => {
  const { hook, clock, posted } = webhook(async () => 200);
  hook.tell({ rule: "dead" });
  await clock.advance(0);
  expect(posted).toEqual([
    {
      url: "https://example.org/alerts",
      body: { rule: "dead" },
      headers: { "content-type": "application/json", authorization: "secret" },
    },
  ]);
});

test("it is tried again after a pause, and what resolved is told after it fired", async () => {
  const { hook, clock, posted } = webhook(async (attempt) => (attempt < 3 ? 503 : 200));
  hook.tell("fired");
  hook.tell("resolved");
  await clock.advance(10_000);
  expect(posted.map(({ body }) => body)).toEqual(["fired", "fired", "fired", "resolved"]);
});

test("after its attempts it is let go, and the log says so", async () => {
  const { hook, clock, posted, log } = webhook(async () => Promise.reject(new Error("no such host")));
  hook.tell("fired");
  await clock.advance(600_000);
  expect(posted).toHaveLength(3);
  expect(log).toMatchObject([{ level: "error", fields: { attempts: 3, failure: "no such host" } }]);
});

test("an answer that does not come ends at the timeout", async () => {
  const never = (_attempt: number, signal: AbortSignal): Promise<number> =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
  const { hook, clock, log } = webhook(never, 1);
  hook.tell("fired");
  await clock.advance(9_999);
  expect(log).toEqual([]);
  await clock.advance(1);
  expect(log).toMatchObject([{ level: "error", fields: { failure: "no answer in 10000 ms" } }]);
});

test("no more wait than a bounded number: the oldest is let go", async () => {
  const { hook, clock, posted, log } = webhook(() => new Promise(() => {}), 1);
  for (let alert = 0; alert < 103; alert++) hook.tell(alert);
  await clock.advance(0);
  expect(posted.map(({ body }) => body)).toEqual([0]);
  expect(log.filter(({ level }) => level === "warn")).toHaveLength(2);
});

test("closed, it posts nothing any more", async () => {
  const { hook, clock, posted } = webhook(async () => 503);
  hook.tell("fired");
  hook.tell("resolved");
  await clock.advance(0);
  hook.close();
  hook.tell("late");
  await clock.advance(600_000);
  expect(posted).toHaveLength(1);
});

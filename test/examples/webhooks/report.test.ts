import { expect, test } from "vitest";
import { eventId, eventNumber, Payloads, repositoryOf, typeOf } from "../../../examples/webhooks/payloads.js";
import { isWhole, reportLines, type Check } from "../../../examples/webhooks/report.js";
import { alertFor, mailsFor } from "../../../examples/webhooks/rules.js";
import { Tally } from "../../../examples/webhooks/tally.js";

const whole: Check = {
  part: "audit",
  what: "lines",
  expected: 1_000,
  found: 1_000,
  missing: 0,
  again: 0,
  strangers: 0,
};
const result = { deadLetters: [], busiest: [], elapsedMs: 1_234 };

test("a whole run says that nothing was lost, and how much came twice", () => {
  expect(reportLines({ ...result, checks: [whole] }).at(-1)).toBe(
    "OK: every event is counted once per group: nothing was lost, nothing was delivered twice. 1.2 s.",
  );
  expect(reportLines({ ...result, checks: [whole, { ...whole, again: 3 }] }).at(-1)).toMatch(
    /^OK: .*3 delivered twice/,
  );
});

test("one missing or invented message fails the run", () => {
  for (const wrong of [
    { ...whole, found: 999, missing: 1 },
    { ...whole, strangers: 1 },
  ]) {
    expect(isWhole([whole, wrong])).toBe(false);
    expect(reportLines({ ...result, checks: [whole, wrong] }).at(-1)).toMatch(/^FAILED/);
  }
});

test("dead letters are shown by reason, with one of them", () => {
  const lines = reportLines({
    ...result,
    checks: [whole],
    deadLetters: [{ reason: "550 no", messages: 12, example: "event-1:a@b" }],
  });
  expect(lines.join("\n")).toMatch(/550 no +such as event-1:a@b +12$/m);
});

test("a tally tells first sightings, repetitions and strangers apart", () => {
  const tally = new Tally(3);
  for (const id of [eventId(0), eventId(2), eventId(2), eventId(3), "other", "event-12"]) tally.add(id);
  expect(tally).toMatchObject({ distinct: 2, again: 1, strangers: 3, missing: 1 });
  expect([0, 1, 2].map((number) => tally.has(number))).toEqual([true, false, true]);
});

test("the payloads are all there, each with its id, repository and type", () => {
  const payloads = new Payloads();
  expect(payloads.count).toBe(329);
  const events = Array.from({ length: payloads.count }, (_, number) => payloads.event(number));
  expect(new Set(events.map(({ payload }) => payload)).size).toBe(329);
  expect(new Set(events.map(({ name }) => name)).size).toBe(58);
  expect(new Set(events.map(repositoryOf)).size).toBeGreaterThan(10);
  expect(events.map(({ id }) => eventNumber(id))).toEqual(events.map((_, number) => number));
  expect(events.map(typeOf)).toContain("issues.opened");
});

test("some events mail somebody, some mail an address that takes none, some raise an alert", () => {
  const payloads = new Payloads();
  const events = Array.from({ length: payloads.count }, (_, number) => payloads.event(number));
  const mails = events.flatMap(mailsFor);
  expect(mails.length).toBeGreaterThan(30);
  expect(new Set(mails.map(({ id }) => id)).size).toBe(mails.length);
  expect(mails.filter(({ to }) => to.includes("noreply")).length).toBeGreaterThan(3);
  expect(events.filter((event) => alertFor(event)).length).toBeGreaterThan(10);
});

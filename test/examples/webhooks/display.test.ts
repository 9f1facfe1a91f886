import { expect, test } from "vitest";
import { displayOn, frame, plainLine } from "../../../examples/webhooks/display.js";
import { Progress, type Snapshot } from "../../../examples/webhooks/progress.js";

const numbers = { intake: 1_500, audit: 1_400, metrics: 1_300, notify: 1_200, mail: 90, pager: 8, chat: 7 };

const snapshot: Snapshot = {
  elapsedMs: 61_000,
  events: 2_000,
  done: numbers,
  perSecond: { ...numbers, intake: 2_345 },
  lag: { audit: 100, metrics: 200, notify: 300, pager: 1, chat: 2 },
  mail: { ready: 5, inFlight: 6, delayed: 7, dead: 3, retries: 11 },
  latest: "push in octo/repo",
};

function screen(isTTY: boolean): { written: string; isTTY: boolean; columns: number; write(text: string): void } {
  return {
    written: "",
    isTTY,
    columns: 60,
    write(text) {
      this.written += text;
    },
  };
}

test("a frame shows rates, depth, lag per group, retries and dead letters", () => {
  const text = frame(snapshot).join("\n");
  for (const part of [
    "1,500 of 2,000 events, 1:01",
    "2,345/s",
    "depth 18",
    "lag 100",
    "lag 200",
    "lag 300",
    "11 retries",
    "3 dead letters",
    "push in octo/repo",
  ]) {
    expect(text).toContain(part);
  }
});

test("a terminal is drawn over in place, with lines no wider than it is", () => {
  const terminal = screen(true);
  const display = displayOn(terminal);
  display.update(snapshot);
  const height = terminal.written.split("\n").length - 1;
  expect(terminal.written).not.toContain("\u001b");
  terminal.written = "";
  display.update(snapshot);
  expect(terminal.written.startsWith(`\u001b[${height}A\u001b[J`)).toBe(true);
  terminal.written = "";
  display.print("stays");
  display.update(snapshot);
  expect(terminal.written.split("\u001b")).toHaveLength(3); // erased once, for the line that stays
  for (const line of terminal.written.split("\n").slice(1)) expect(line.length).toBeLessThan(60);
});

test("a pipe gets plain lines, at most one of progress a second, and no escape codes", () => {
  const pipe = screen(false);
  const display = displayOn(pipe);
  for (const elapsedMs of [0, 500, 1_000, 1_200, 1_999, 2_000]) display.update({ ...snapshot, elapsedMs });
  display.print("the end");
  expect(pipe.written).not.toContain("\u001b");
  expect(pipe.written.trimEnd().split("\n")).toEqual([
    plainLine({ ...snapshot, elapsedMs: 1_000 }),
    plainLine({ ...snapshot, elapsedMs: 2_000 }),
    "the end",
  ]);
});

test("rates are what was done in the last seconds, not since the start", () => {
  const progress = new Progress();
  progress.add({ part: "audit", count: 1_000 });
  expect(progress.perSecond(0).audit).toBe(0);
  progress.add({ part: "audit", count: 500, retries: 2, latest: "x" });
  expect(progress.perSecond(1_000).audit).toBe(500);
  for (const nowMs of [2_000, 3_000, 4_000]) expect(progress.perSecond(nowMs).audit).toBeLessThan(500);
  expect(progress.perSecond(5_000).audit).toBe(0);
  expect(progress).toMatchObject({ retries: 2, latest: "x" });
});

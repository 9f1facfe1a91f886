import { expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.js";
import { hasCode } from "../../../src/base/errors.js";
import { IdWindows } from "../../../src/engine/dedup/id-windows.js";
import { IdWindow } from "../../../src/engine/dedup/id-window.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";

const place = { purpose: "sent", owner: 3 } as const;
const noLimit = { idsMax: Infinity, reached: () => {} };
const startMs = 1_000_000;

/** 0 · 3 · seed 7, 9 · window 300,000 ms · time and wall time 1,000,000 ms */
const head = "00" + "03" + "07000000" + "09000000" + "e0a712" + "c0843d" + "c0843d";
const hashOfA = "0350a1350cc94b90e53e668f";
const hashOfB = "adba45be943a36f604591423";
const goldenEntry = head + "02" + hashOfA + hashOfB;
/** Slice 1, the last there was: it began when its last id came, and has one page of two ids. */
const goldenSnapshot = "01" + head + "01" + "01" + "01" + "c0843d" + "c0843d" + "01" + "02";

function filled(): IdWindow {
  const window = new IdWindow(place, { low: 7, high: 9 }, 300_000);
  window.begin(new ManualClock(startMs), noLimit);
  for (const id of ["a", "b"]) if (!window.has(id)) window.add(id);
  return window;
}

function written(window: IdWindow): string {
  const body = new ByteWriter();
  window.drain({
    entry(type, encode) {
      expect(type).toBe(16);
      encode(body);
    },
  });
  return body.copy().toString("hex");
}

const bodyOf = (hex: string): ByteReader => new ByteReader(Buffer.from(hex, "hex"));

function begun(windows: IdWindows, wallMs = startMs): IdWindow {
  windows.begin({ clock: new ManualClock(wallMs), random: () => 0, limit: noLimit });
  return windows.find(place) as IdWindow;
}

test("ids of a commit are written as they are drawn, and mean the same when they are met once or twice", () => {
  const window = filled();
  expect(written(window)).toBe(goldenEntry);
  expect(window.has("c")).toBe(false);
  window.add("c");
  expect(written(window)).toMatch(new RegExp(`^${head}01`));
  const windows = new IdWindows();
  for (let times = 0; times < 2; times++) windows.replay(bodyOf(goldenEntry));
  const met = begun(windows);
  expect([met.size, met.has("a"), met.has("b"), met.has("c")]).toEqual([2, true, true, false]);
});

test("a snapshot is written as it is drawn, with the ids in pages, and both bring them back", () => {
  const windows = new IdWindows();
  windows.replay(bodyOf(goldenEntry));
  begun(windows);
  const body = new ByteWriter();
  const pages = windows.writeSnapshot(body);
  expect(body.copy().toString("hex")).toBe(goldenSnapshot);
  expect(pages.map(({ file, page, bytes }) => [file, page, Buffer.from(bytes as Uint8Array).toString("hex")])).toEqual([
    ["d/3/sent-1", 0, hashOfA + hashOfB],
  ]);
  const again = new IdWindows();
  again.readSnapshot(bodyOf(goldenSnapshot));
  expect(again.restorePage("d/3/sent-1", Buffer.from(hashOfA + hashOfB, "hex"))).toBe(true);
  expect(again.restorePage("g/3/3-0", Buffer.alloc(0))).toBe(false);
  const met = begun(again, startMs + 299_999);
  expect([met.size, met.has("a"), met.has("b"), met.has("c")]).toEqual([2, true, true, false]);
  const late = new IdWindows();
  late.readSnapshot(bodyOf(goldenSnapshot));
  late.restorePage("d/3/sent-1", Buffer.from(hashOfA + hashOfB, "hex"));
  expect(begun(late, startMs + 300_000).size).toBe(0);
});

test("a second snapshot has no pages where nothing is new", () => {
  const window = filled();
  expect([window.takePages().length, window.takePages().length]).toEqual([1, 0]);
});

test("ids of a purpose nobody knows are a newer release's", () => {
  let error: unknown;
  try {
    new IdWindows().replay(bodyOf(`07${goldenEntry.slice(2)}`));
  } catch (thrown) {
    error = thrown;
  }
  expect(hasCode(error, "LOG_VERSION_UNSUPPORTED")).toBe(true);
});

import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../src/base/bytes.js";
import { hasCode } from "../../src/base/errors.js";
import type { ChannelSpec } from "../../src/engine/channel-spec.js";
import { Ledger } from "../../src/engine/ledger.js";
import { channelEntry } from "../../src/engine/meta.js";
import type { Progress } from "../../src/engine/progress.js";
import type { StateWriter } from "../../src/log/state.js";

const spec: ChannelSpec = {
  kind: "queue",
  name: "work",
  partitions: 1,
  durable: true,
  retention: { timeMs: Infinity, bytes: Infinity },
  capacity: { messages: 10, bytes: Infinity, whenFull: "block" },
  order: "none",
  priorities: 1,
  dedupMs: undefined,
  expiresMs: undefined,
  compact: false,
  native: undefined,
};

interface Entry {
  readonly type: number;
  readonly hex: string;
}

function drained(progress: Progress): Entry[] {
  const entries: Entry[] = [];
  const writer: StateWriter = {
    entry(type, encode) {
      const body = new ByteWriter();
      encode(body);
      entries.push({ type, hex: body.copy().toString("hex") });
    },
  };
  progress.drain(writer);
  return entries;
}

const bodyOf = (hex: string): ByteReader => new ByteReader(Buffer.from(hex, "hex"));

/** A ledger that knows one queue, under the number 3. */
function ledger(): { ledger: Ledger; progress: Progress } {
  const made = new Ledger();
  made.meta(JSON.parse(JSON.stringify(channelEntry(3, spec))));
  const channel = made.catalog.channel("work")!;
  const [progress] = made.progressOf(channel, channel.groups.get("")!);
  return { ledger: made, progress: progress! };
}

/** Settled 0 and 2 to 4; all below 6 delivered; 1 failed twice and is due, 5 was given back; 700 bytes. */
function change(progress: Progress): void {
  progress.reach(6);
  for (const offset of [4, 0, 3, 2]) progress.settle(offset);
  progress.remember(1, { attempts: 2, dueAtMs: 1000, firstFailedAtMs: 300 });
  progress.remember(5, { attempts: 0, dueAtMs: 0, firstFailedAtMs: 0 });
  progress.setBytes(700);
}

const golden: Entry[] = [
  { type: 1, hex: "0300" + "02" + "0000" + "0102" },
  { type: 2, hex: "0300" + "06" },
  { type: 3, hex: "0300" + "02" + "0102e807ac02" + "04000000" },
  { type: 4, hex: "0300" + "bc05" },
];
const goldenProgress = "0300" + "01" + "06" + "bc05" + "00" + "02" + "0102e807ac02" + "04000000";
/** And no ids. */
const goldenSnapshot = "05" + "01" + goldenProgress + "00" + "00" + "00" + "00" + "00";

/** Moved back to 1, after 0 and 2 to 4 had been settled; since then 1 was delivered. */
const goldenMove: Entry[] = [
  { type: 5, hex: "0300" + "01" + "02" + "0000" + "0102" },
  { type: 2, hex: "0300" + "02" },
];
const goldenMovedSnapshot =
  "05" + "01" + "0300" + "01" + "02" + "bc05" + "00" + "00" + "01" + "02" + "0000" + "0102" + "00" + "00" + "00";
/** Before groups could count each message. */
const goldenSnapshotV2 = "02" + "01" + "0300" + "01" + "02" + "bc05" + "00" + "00" + "01" + "02" + "0000" + "0102";

/** Counting each: delivered 3 and 70,000 to 70,001 once, and 4 twice; 3 settled. */
function changeEach(progress: Progress): void {
  progress.countEach();
  for (const offset of [70_001, 3, 4, 70_000, 4]) progress.deliver(offset);
  progress.settle(3);
}

const goldenEach: Entry[] = [
  { type: 1, hex: "0300" + "01" + "0300" },
  { type: 6, hex: "0300" + "02" + "0301" + "eba20401" },
  { type: 3, hex: "0300" + "01" + "04020000" },
];
const goldenSnapshotEach =
  "05" + "01" + "0300" + "00" + "00" + "00" + "00" + "01" + "04020000" + "00" + "00" + "01" + "00" + "00" + "00";

function expectChangedEach(progress: Progress): void {
  const offsets = [2, 3, 4, 5, 69_999, 70_000, 70_001, 70_002];
  expect(offsets.map((offset) => progress.attempts(offset))).toEqual([0, 1, 2, 0, 0, 1, 1, 0]);
  expect([progress.floor, progress.settled.has(3)]).toEqual([0, true]);
}

/** Before groups could be moved. */
const goldenSnapshotV1 = "01" + "01" + goldenProgress;
/** All below 40 is in it: chunks 3 to 6 of a run of 2 to 7, due from 500 on, 2 ms later than written; in memory 9, due at 300, and 4, due at 310. */
const goldenIndex = "28" + "ac02" + "01" + "020703f40304" + "02" + "0009" + "0a04";
const goldenDue = "0301" + "00" + goldenIndex;
const goldenDueSnapshot = "05" + "00" + "00" + "01" + goldenDue;

/** Before there were ids. */
const goldenSnapshotV3 = "03" + "01" + goldenProgress + "00" + "00" + "00";

/** Before anything could be due. */
const goldenSnapshotV4 = "04" + "01" + goldenProgress + "00" + "00" + "00" + "00";

function expectChanged(progress: Progress): void {
  expect(progress.floor).toBe(1);
  expect([0, 1, 2, 3, 4, 5].map((offset) => progress.settled.has(offset))).toEqual([
    true,
    false,
    true,
    true,
    true,
    false,
  ]);
  expect([progress.attempts(1), progress.attempts(5), progress.attempts(6)]).toEqual([2, 0, 0]);
  expect(progress.retry(1)).toEqual({ attempts: 2, dueAtMs: 1000, firstFailedAtMs: 300 });
  expect([progress.deliveredHigh, progress.bytes]).toEqual([6, 700]);
}

describe("the state entries of the write-ahead log", () => {
  test("are written as they are drawn", () => {
    const { progress } = ledger();
    change(progress);
    expect(drained(progress)).toEqual(golden);
  });

  test("say what changed once, and nothing when nothing has", () => {
    const { progress } = ledger();
    change(progress);
    drained(progress);
    expect(drained(progress)).toEqual([]);
    progress.settle(1);
    expect(drained(progress)).toEqual([{ type: 1, hex: "0300" + "01" + "0100" }]);
  });

  test("mean the same when they are met once or twice", () => {
    const { ledger: met, progress } = ledger();
    for (const { type, hex } of [...golden, ...golden]) met.replay(type, bodyOf(hex));
    expectChanged(progress);
  });

  test("of a move replace what was there, and what comes after them is kept", () => {
    const { ledger: met, progress } = ledger();
    for (const { type, hex } of [...golden, ...goldenMove, { type: 1, hex: "0300" + "01" + "0300" }]) {
      met.replay(type, bodyOf(hex));
    }
    expect([1, 2, 3, 4].map((offset) => progress.settled.has(offset))).toEqual([false, false, true, false]);
    expect([progress.deliveredHigh, progress.retries, progress.bytes]).toEqual([2, 0, 700]);
  });

  test("of a move come before what happened after it in the same commit", () => {
    const { progress } = ledger();
    change(progress);
    progress.moveTo(1);
    progress.settleRange(1, 3);
    expect(drained(progress).map((entry) => entry.type)).toEqual([5, 1, 4]);
  });

  test("say of each message that it was delivered, where each is counted", () => {
    const { progress } = ledger();
    changeEach(progress);
    expect(drained(progress)).toEqual(goldenEach);
    expect(drained(progress)).toEqual([]);
    expectChangedEach(progress);
  });

  test("that say so of each mean the same when they are met once or twice", () => {
    const { ledger: met, progress } = ledger();
    for (const { type, hex } of [...goldenEach, ...goldenEach]) met.replay(type, bodyOf(hex));
    expectChangedEach(progress);
  });

  test("of a message that is settled in the same commit say nothing about its retries", () => {
    const { progress } = ledger();
    progress.reach(1);
    progress.remember(0, { attempts: 3, dueAtMs: 0, firstFailedAtMs: 0 });
    progress.settle(0);
    expect(drained(progress).map((entry) => entry.type)).toEqual([1, 2]);
  });

  test("of a group nobody knows are passed over, and its number is never used again", () => {
    const { ledger: met } = ledger();
    met.replay(2, bodyOf("6300" + "06"));
    expect(met.catalog.nextId()).toBe(100);
  });

  test("of a type nobody knows are a newer release's, not damage", () => {
    const { ledger: met } = ledger();
    expect(codeOf(() => met.replay(200, bodyOf("0300")))).toBe("LOG_VERSION_UNSUPPORTED");
    expect(codeOf(() => met.replay(1, bodyOf("0300" + "ff")))).toBe("LOG_CORRUPT");
  });
});

describe("the snapshot", () => {
  test("is written as it is drawn, with the bitmaps apart", () => {
    const { ledger: taken, progress } = ledger();
    change(progress);
    const { body, pages } = taken.snapshot();
    expect(Buffer.from(body).toString("hex")).toBe(goldenSnapshot);
    expect(pages.map(({ file, page, bytes }) => ({ file, page, first: bytes?.[0] }))).toEqual([
      { file: "g/3/3-0", page: 0, first: 0b11100 },
    ]);
  });

  test("and the entries after it bring back the state", () => {
    const { ledger: met, progress } = ledger();
    met.restore(bodyOf(goldenSnapshot));
    met.restorePage(
      "g/3/3-0",
      0,
      Uint8Array.from({ length: 4096 }, (_, index) => (index === 0 ? 0b11100 : 0)),
    );
    expectChanged(progress);
    progress.settle(1);
    expect(progress.floor).toBe(5);
  });

  test("of a group that was moved says where to, and what it had handled before", () => {
    const { ledger: taken, progress } = ledger();
    change(progress);
    drained(progress);
    progress.moveTo(1);
    progress.reach(2);
    expect(drained(progress)).toEqual(goldenMove);
    const { body, pages } = taken.snapshot();
    expect(Buffer.from(body).toString("hex")).toBe(goldenMovedSnapshot);
    expect(pages).toEqual([]);
    const { ledger: met, progress: read } = ledger();
    met.restore(bodyOf(goldenMovedSnapshot));
    expect([0, 1, 2, 3, 4, 5].map((offset) => read.handledBefore.has(offset))).toEqual([
      true,
      false,
      true,
      true,
      true,
      false,
    ]);
    expect([read.floor, read.deliveredHigh, read.settled.has(2)]).toEqual([1, 2, false]);
  });

  test.for([goldenSnapshotV1, goldenSnapshotV3, goldenSnapshotV4])("of a version before is read", (body) => {
    const { ledger: met, progress } = ledger();
    met.restore(bodyOf(body));
    expect([progress.floor, progress.deliveredHigh]).toEqual([1, 6]);
  });

  test("of the version before groups could count each message is read", () => {
    const { ledger: met, progress } = ledger();
    met.restore(bodyOf(goldenSnapshotV2));
    expect([progress.floor, progress.deliveredHigh, progress.handledBefore.has(3)]).toEqual([1, 2, true]);
  });

  test("of a group that counts each has the bitmaps of both apart", () => {
    const { ledger: taken, progress } = ledger();
    changeEach(progress);
    const { body, pages } = taken.snapshot();
    expect(Buffer.from(body).toString("hex")).toBe(goldenSnapshotEach);
    expect(pages.map(({ file, page }) => `${file}#${page}`).sort()).toEqual([
      "g/3/3-0#0",
      "g/3/3-0-delivered#0",
      "g/3/3-0-delivered#2",
    ]);
    const { ledger: met, progress: restored } = ledger();
    met.restore(bodyOf(goldenSnapshotEach));
    for (const { file, page, bytes } of pages) met.restorePage(file, page, bytes as Uint8Array);
    expectChangedEach(restored);
  });

  test("says what is due when, as the entries do", () => {
    const { ledger: met } = ledger();
    met.replay(7, bodyOf(goldenDue));
    const index = new ByteWriter();
    met.dueIndex(3, 1, 0).write(index);
    expect(index.copy().toString("hex")).toBe(goldenIndex);
    const { ledger: restored } = ledger();
    restored.restore(bodyOf(goldenDueSnapshot));
    // A checkpoint may be taken before anybody has opened the queue.
    const unopened = new Ledger();
    unopened.meta(JSON.parse(JSON.stringify(channelEntry(3, spec))));
    unopened.restore(bodyOf(goldenDueSnapshot));
    expect(Buffer.from(unopened.snapshot().body).toString("hex")).toBe(goldenDueSnapshot);
    expect(
      Buffer.from(restored.snapshot().body)
        .toString("hex")
        .endsWith("01" + goldenDue),
    ).toBe(true);
  });

  test("of another version is refused", () => {
    const { ledger: met } = ledger();
    expect(codeOf(() => met.restore(bodyOf("7f")))).toBe("LOG_VERSION_UNSUPPORTED");
  });
});

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    for (const code of ["LOG_VERSION_UNSUPPORTED", "LOG_CORRUPT"] as const) if (hasCode(error, code)) return code;
  }
  return "nothing was thrown";
}

/**
 * Progress that counts each message, against a map of counts: whatever is delivered, settled and given back in any order,
 * and however often it is written down, snapshotted and read again, no message's count goes down or is made up.
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../src/base/bytes.js";
import { Progress } from "../../src/engine/progress.js";
import { pageOffsets } from "../../src/engine/settled-pages.js";
import { snapshotVersion } from "../../src/engine/state-codec.js";

interface Entry {
  readonly type: number;
  readonly bytes: Uint8Array;
}

const place = { groupId: 1, partition: 0, start: 0 };

/** What the log, a checkpoint and its pages keep of one progress. */
class Store {
  #snapshot: Uint8Array | undefined;
  readonly #pages = { settled: new Map<number, Uint8Array>(), delivered: new Map<number, Uint8Array>() };
  #entries: Entry[] = [];

  drain(progress: Progress): void {
    progress.drain({
      entry: (type, encode) => {
        const body = new ByteWriter();
        encode(body);
        this.#entries.push({ type, bytes: body.copy() });
      },
    });
  }

  /** Of the entries before it, those since the last checkpoint are met again after a crash between the two. */
  checkpoint(progress: Progress, metAgain: boolean): void {
    this.drain(progress);
    const body = new ByteWriter();
    progress.writeSnapshot(body);
    this.#snapshot = body.copy();
    this.#keep(this.#pages.settled, progress.settled.takeChangedPages());
    this.#keep(this.#pages.delivered, progress.delivered.each?.takeChangedPages() ?? []);
    if (!metAgain) this.#entries = [];
  }

  restore(): Progress {
    const progress = new Progress(place);
    if (this.#snapshot !== undefined) progress.readSnapshot(new ByteReader(this.#snapshot), snapshotVersion);
    for (const [page, bytes] of this.#pages.settled) progress.settled.restorePage(page, bytes);
    for (const [page, bytes] of this.#pages.delivered) progress.delivered.restorePage(page, bytes);
    for (const { type, bytes } of this.#entries) {
      const reader = new ByteReader(bytes);
      reader.varint();
      reader.varint();
      progress.replay(type, reader);
    }
    progress.countEach();
    return progress;
  }

  #keep(
    pages: Map<number, Uint8Array>,
    changes: readonly { readonly page: number; readonly bytes: Uint8Array | undefined }[],
  ): void {
    for (const { page, bytes } of changes) {
      if (bytes === undefined) pages.delete(page);
      else pages.set(page, bytes);
    }
  }
}

const kinds = [
  "deliver",
  "deliver",
  "deliver",
  "settle",
  "settle",
  "giveBack",
  "drain",
  "checkpoint",
  "restart",
] as const;
const offsets = fc.oneof(
  fc.integer({ min: 0, max: 12 }),
  fc.integer({ min: pageOffsets - 3, max: pageOffsets + 3 }),
  fc.integer({ min: 2 * pageOffsets - 2, max: 2 * pageOffsets + 2 }),
);
const steps = fc.record({ do: fc.constantFrom(...kinds), at: offsets, metAgain: fc.boolean() });

type Step = { readonly do: (typeof kinds)[number]; readonly at: number; readonly metAgain: boolean };

/** A progress and, beside it, how often each message was delivered and which are settled. */
class Run {
  #progress = new Progress(place);
  readonly #counts = new Map<number, number>();
  readonly #settled = new Set<number>();
  readonly #store = new Store();

  constructor() {
    this.#progress.countEach();
  }

  step({ do: kind, at, metAgain }: Step): void {
    if (kind === "drain") this.#store.drain(this.#progress);
    else if (kind === "checkpoint") this.#store.checkpoint(this.#progress, metAgain);
    else if (kind === "restart") {
      this.#store.drain(this.#progress);
      this.#progress = this.#store.restore();
    } else if (!this.#settled.has(at)) this.#change(kind, at);
    this.#compare(at);
  }

  #change(kind: "deliver" | "settle" | "giveBack", at: number): void {
    const count = this.#counts.get(at) ?? 0;
    if (kind === "deliver") {
      assert.equal(this.#progress.deliver(at), count + 1);
      this.#counts.set(at, count + 1);
    } else if (kind === "settle") {
      assert(this.#progress.settle(at));
      this.#settled.add(at);
    } else if (count > 0) {
      this.#progress.remember(at, { attempts: count - 1, dueAtMs: 0, firstFailedAtMs: 0 });
      this.#counts.set(at, count - 1);
    }
  }

  #compare(at: number): void {
    const unsettled = [...this.#counts.keys()].filter((each) => !this.#settled.has(each));
    for (const each of unsettled) assert.equal(this.#progress.attempts(each), this.#counts.get(each));
    if (!this.#settled.has(at)) assert.equal(this.#progress.attempts(at), this.#counts.get(at) ?? 0);
    const unfinished = [...this.#progress.unfinished()].map(({ offset }) => offset);
    assert.deepEqual(
      unfinished,
      unsettled.sort((one, other) => one - other),
    );
  }
}

describe("progress that counts each message", () => {
  test("knows the attempts of every message, also after restarts", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 80, size: "max" }), (all) => {
        const run = new Run();
        for (const step of all) run.step(step);
      }),
      { numRuns: 300 },
    );
  });

  test("remembers no retry of messages that are delivered for the first time, in whatever order", () => {
    const progress = new Progress(place);
    progress.countEach();
    for (const offset of [7, 3, 100_000, 5]) progress.deliver(offset);
    expect(progress.retries).toBe(0);
    expect(progress.attempts(4)).toBe(0);
  });

  test("keeps no bitmap of what was delivered in order", () => {
    const progress = new Progress(place);
    progress.countEach();
    for (let offset = 0; offset < 3 * pageOffsets; offset++) progress.deliver(offset);
    expect(progress.delivered.each?.takeChangedPages()).toEqual([]);
    expect(progress.deliveredHigh).toBe(3 * pageOffsets);
  });

  test("takes all that was delivered from the front for delivered", () => {
    const progress = new Progress(place);
    progress.reach(4);
    progress.countEach();
    progress.deliver(9);
    expect([3, 4, 8, 9, 10].map((offset) => progress.attempts(offset))).toEqual([1, 0, 0, 1, 0]);
  });

  test("begins anew where its partition ends", () => {
    const progress = new Progress(place);
    progress.countEach();
    for (let offset = 0; offset < 6; offset++) progress.deliver(offset);
    progress.settleRange(0, 6);
    progress.fitTo(4);
    expect([3, 4, 5].map((offset) => progress.attempts(offset))).toEqual([1, 0, 0]);
  });

  test("that is moved counts from none again, also after a restart", () => {
    const progress = new Progress(place);
    progress.countEach();
    const store = new Store();
    for (const offset of [0, 2, 5]) progress.deliver(offset);
    store.drain(progress);
    progress.moveTo(1);
    progress.deliver(4);
    store.drain(progress);
    for (const each of [progress, store.restore()]) {
      expect([0, 1, 2, 4, 5].map((offset) => each.attempts(offset))).toEqual([1, 0, 0, 1, 0]);
    }
  });
});

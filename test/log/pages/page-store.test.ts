import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { type PageFileFacts, PageStore, pathOf } from "../../../src/log/pages/page-store.js";
import { contentOf, replace } from "../segments/fixture.js";

const file = "g/3/1-0";

class Shelf {
  readonly disk: SimulatedDisk;
  readonly store: PageStore;
  facts: readonly PageFileFacts[] = [];

  constructor(disk = new SimulatedDisk()) {
    this.disk = disk;
    this.store = new PageStore(disk);
    disk.makeDirectory("");
  }

  /** As a checkpoint does it. */
  async write(changes: Readonly<Record<number, string | undefined>>, name = file): Promise<void> {
    this.stage(changes, name);
    this.facts = await this.store.write(this.store.take());
    this.store.removeGarbage();
  }

  stage(changes: Readonly<Record<number, string | undefined>>, name = file): void {
    const staged = Object.entries(changes).map(([page, text]) => {
      return { file: name, page: Number(page), bytes: text === undefined ? undefined : Buffer.from(text) };
    });
    this.store.stage(staged);
  }

  /** What the next process reads, from the facts of the last checkpoint. */
  read(disk = this.disk.afterKill()): { pages: Record<string, string>; said: string[]; shelf: Shelf } {
    const shelf = new Shelf(disk);
    shelf.facts = this.facts;
    const pages: Record<string, string> = {};
    const findings = shelf.store.restore(this.facts, (name, page, bytes) => {
      pages[`${name}#${page}`] = Buffer.from(bytes).toString();
    });
    return {
      pages,
      said: findings.map(({ kind, what, lost }) => `${kind}: ${what}: ${lost ?? "nothing lost"}`),
      shelf,
    };
  }

  get path(): string {
    return pathOf(this.facts[0] ?? { file, revision: 0 });
  }
}

const lost = "which messages were settled; they are delivered again";

describe("a page file", () => {
  test("gives back the last version of each page", async () => {
    const shelf = new Shelf();
    await shelf.write({ 0: "old", 1: "one", 7: "seven" });
    await shelf.write({ 0: "new" });
    expect(shelf.read()).toMatchObject({
      pages: { [`${file}#0`]: "new", [`${file}#1`]: "one", [`${file}#7`]: "seven" },
      said: [],
    });
  });

  test("forgets a page that is no longer needed", async () => {
    const shelf = new Shelf();
    await shelf.write({ 0: "zero", 1: "one" });
    await shelf.write({ 0: undefined });
    expect(shelf.read().pages).toEqual({ [`${file}#1`]: "one" });
  });

  test("goes when nothing in it is needed any more, and may come again", async () => {
    const shelf = new Shelf();
    await shelf.write({ 0: "zero" });
    await shelf.write({ 0: undefined });
    expect([shelf.facts, shelf.disk.files()]).toEqual([[], []]);
    await shelf.write({ 2: "two" });
    expect(shelf.read()).toMatchObject({ pages: { [`${file}#2`]: "two" }, said: [] });
  });

  test("takes nothing for a page that stands behind what the checkpoint names", async () => {
    const shelf = new Shelf();
    await shelf.write({ 0: "of the checkpoint" });
    const { facts } = shelf;
    shelf.stage({ 0: "of one that never became durable", 1: "x" });
    await shelf.store.write(shelf.store.take());
    shelf.facts = facts;
    const { pages, said, shelf: next } = shelf.read();
    expect({ pages, said }).toEqual({ pages: { [`${file}#0`]: "of the checkpoint" }, said: [] });
    await next.write({ 1: "one" });
    expect(next.read()).toMatchObject({
      pages: { [`${file}#0`]: "of the checkpoint", [`${file}#1`]: "one" },
      said: [],
    });
  });

  test("keeps the later of two changes staged before one write", async () => {
    const shelf = new Shelf();
    shelf.stage({ 0: "early" });
    await shelf.write({ 0: "late" });
    expect(shelf.read().pages).toEqual({ [`${file}#0`]: "late" });
  });

  test("does not grow for ever: once half of it is outdated, its pages move to a new revision", async () => {
    const shelf = new Shelf();
    for (let round = 0; round < 40; round++) await shelf.write({ 0: `${round}`.padEnd(5_000, "."), 1: "stays" });
    expect(contentOf(shelf.disk, shelf.path).length).toBeLessThan(80_000);
    expect(shelf.facts[0]?.revision).toBeGreaterThan(1);
    expect(shelf.disk.files()).toEqual([shelf.path]);
    expect(shelf.read()).toMatchObject({
      pages: { [`${file}#0`]: "39".padEnd(5_000, "."), [`${file}#1`]: "stays" },
      said: [],
    });
  });

  test("is durable, and its name, when the write resolves", async () => {
    const shelf = new Shelf();
    await shelf.write({ 0: "zero" });
    await shelf.write({ 1: "one" });
    const after = shelf.disk.afterCrash("nothing-unsynced", () => 0.5);
    expect(shelf.read(after)).toMatchObject({ pages: { [`${file}#0`]: "zero", [`${file}#1`]: "one" }, said: [] });
  });

  test("says the same as a map, whatever is written, dropped and reopened in whatever order", async () => {
    const step = fc.record({
      page: fc.nat(3),
      text: fc.option(fc.string({ minLength: 1, maxLength: 30_000 }), { nil: undefined }),
      name: fc.constantFrom("g/1/1-0", "g/1/2-0"),
      reopens: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25, size: "max" }), async (steps) => {
        let shelf = new Shelf();
        const model = new Map<string, string>();
        for (const { page, text, name, reopens } of steps) {
          await shelf.write({ [page]: text }, name);
          if (text === undefined) model.delete(`${name}#${page}`);
          else model.set(`${name}#${page}`, text);
          if (reopens) shelf = shelf.read().shelf;
        }
        expect(shelf.read()).toMatchObject({ pages: Object.fromEntries(model), said: [] });
      }),
      { numRuns: 60 },
    );
  });
});

describe("on a full disk", () => {
  test("a write that fails loses no page, neither staged nor stored", async () => {
    const shelf = new Shelf();
    await shelf.write({ 0: "zero" });
    shelf.stage({ 1: "one".repeat(100) });
    shelf.disk.capacityBytes = shelf.disk.usedBytes + 10;
    await expect(shelf.store.write(shelf.store.take())).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(shelf.read()).toMatchObject({ pages: { [`${file}#0`]: "zero" }, said: [] });
    shelf.stage({ 2: "two" });
    shelf.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await shelf.write({});
    expect(shelf.read().pages).toEqual({
      [`${file}#0`]: "zero",
      [`${file}#1`]: "one".repeat(100),
      [`${file}#2`]: "two",
    });
  });

  test("moving to a new revision loses no page when there is no room for it", async () => {
    const shelf = new Shelf();
    await shelf.write({ 1: "stays".repeat(1_000) });
    for (let round = 0; round < 4; round++) await shelf.write({ 0: `${round}`.repeat(20_000) });
    const { revision } = shelf.facts[0]!;
    shelf.disk.faults = ({ operation }) => (operation === "write" ? { fail: "ENOSPC" } : undefined);
    for (let attempt = 0; attempt < 3; attempt++) {
      shelf.stage({ 0: "new".repeat(10) });
      await expect(shelf.store.write(shelf.store.take())).rejects.toMatchObject({ code: "DISK_FULL" });
    }
    shelf.disk.faults = undefined;
    await shelf.write({});
    expect(shelf.facts[0]!.revision).toBeGreaterThan(revision);
    expect(shelf.read()).toMatchObject({
      pages: { [`${file}#0`]: "new".repeat(10), [`${file}#1`]: "stays".repeat(1_000) },
      said: [],
    });
  });
});

describe("damage", () => {
  async function threePages(): Promise<Shelf> {
    const shelf = new Shelf();
    await shelf.write({ 0: "page number zero", 1: "page number one", 2: "page number two" });
    return shelf;
  }
  const all: Record<string, string> = {
    [`${file}#0`]: "page number zero",
    [`${file}#1`]: "page number one",
    [`${file}#2`]: "page number two",
  };

  test("of any bit costs the page it is in, says so, and never gives a wrong one", async () => {
    const shelf = await threePages();
    const { length } = contentOf(shelf.disk, shelf.path);
    for (let bit = 0; bit < length * 8; bit++) {
      const damaged = shelf.disk.afterKill();
      damaged.flipBit(shelf.path, bit);
      const { pages, said } = shelf.read(damaged);
      const page = [0, 32, 63].findLast((begin) => begin <= bit / 8) ?? 0;
      const index = [0, 32, 63].indexOf(page);
      const { [`${file}#${index}`]: _, ...others } = all;
      expect([bit, pages]).toEqual([bit, others]);
      expect([bit, said]).toEqual([bit, [`page-damaged: no whole page at byte ${page}: ${lost}`]]);
    }
  });

  test("that cuts the file costs the pages behind the cut, and says so", async () => {
    const shelf = await threePages();
    const { length } = contentOf(shelf.disk, shelf.path);
    for (let size = 0; size < length; size++) {
      const damaged = shelf.disk.afterKill();
      damaged.truncateFile(shelf.path, size);
      const { pages, said } = shelf.read(damaged);
      expect([size, Object.keys(pages).length]).toEqual([size, [32, 63, length].filter((end) => end <= size).length]);
      expect([size, said[0]]).toEqual([size, `page-damaged: it has ${size} of ${length} bytes: ${lost}`]);
    }
  });

  test("that takes the file away costs its pages, says so, and the next checkpoint goes on without it", async () => {
    const shelf = await threePages();
    shelf.disk.remove(shelf.path);
    const { pages, said, shelf: next } = shelf.read();
    expect({ pages, said }).toEqual({ pages: {}, said: [`page-damaged: the file is missing: ${lost}`] });
    await next.write({ 5: "five" });
    expect(next.read()).toMatchObject({ pages: { [`${file}#5`]: "five" }, said: [] });
  });

  test("is mended by the next checkpoint, whether or not anything has changed: it is told once", async () => {
    const shelf = await threePages();
    shelf.disk.flipBit(shelf.path, 40 * 8);
    const { pages, said, shelf: next } = shelf.read();
    expect(said).toHaveLength(1);
    await next.write({});
    expect(next.read()).toMatchObject({ pages, said: [] });
    expect(next.disk.files()).toEqual([next.path]);
  });

  test("does not let an older version pass for damage, nor the page before it", async () => {
    const shelf = new Shelf();
    await shelf.write({ 0: "older", 1: "one" });
    await shelf.write({ 0: "newer" });
    const at = contentOf(shelf.disk, shelf.path).indexOf("newer");
    shelf.disk.flipBit(shelf.path, at * 8);
    // Settled is final: what an older version of a page says of a message is still true, only not complete.
    const { pages, said } = shelf.read();
    expect({ pages, said: said.length }).toEqual({ pages: { [`${file}#0`]: "older", [`${file}#1`]: "one" }, said: 1 });
  });

  test("by bytes of the length of a page and larger is stepped over", async () => {
    const shelf = await threePages();
    for (const length of [1, 16, 31, 40, 60]) {
      for (let at = 0; at + length <= 94; at += 3) {
        const damaged = shelf.disk.afterKill();
        const bytes = contentOf(damaged, shelf.path);
        replace(damaged, shelf.path, bytes.fill(0xff, at, at + length));
        const { pages, said } = shelf.read(damaged);
        const touched = [0, 32, 63].filter((begin, index) => at < ([32, 63, 94][index] ?? 0) && at + length > begin);
        expect([length, at, Object.keys(pages).length]).toEqual([length, at, 3 - touched.length]);
        expect(said.length).toBeGreaterThan(0);
        for (const [key, text] of Object.entries(pages)) expect(all[key]).toBe(text);
      }
    }
  });
});

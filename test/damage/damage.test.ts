/**
 * Every single-bit flip and every truncation of every file of a small data directory: detected, confined to what it
 * touched, never a wrong payload, never a vanished channel.
 *
 * Each damage is taken through the decoders. Each different result goes through the real driver: opened, read, closed and
 * opened again. To show that the result is all that counts, so does one damage in 331; MILLRACE_DAMAGE=1 takes every
 * single one, for an hour.
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { SimulatedDisk } from "../../src/disk/simulated.js";
import { checkDirectory } from "../../src/log/verify/directory-check.js";
import { Decoding } from "./decoding.js";
import { judge } from "./judge.js";
import { look, makeDirectory, open, type Seen } from "./subject.js";

const openEvery = Number(process.env["MILLRACE_DAMAGE"] ?? 331);

interface Damage {
  readonly path: string;
  readonly what: string;
  apply(disk: SimulatedDisk): void;
}

function* flipsOf(disk: SimulatedDisk): Generator<Damage> {
  for (const path of disk.files()) {
    const bits = disk.bytesOf(path).length * 8;
    for (let bit = 0; bit < bits; bit++)
      yield { path, what: `bit ${bit} flipped`, apply: (copy) => copy.flipBit(path, bit) };
  }
}

function* cutsOf(disk: SimulatedDisk): Generator<Damage> {
  for (const path of disk.files()) {
    const { length } = disk.bytesOf(path);
    for (let size = 0; size < length; size++)
      yield { path, what: `cut to ${size} bytes`, apply: (copy) => copy.truncateFile(path, size) };
  }
}

interface Outcome {
  readonly seen: Seen;
  readonly wrong: string | undefined;
}

class Trial {
  readonly #disk: SimulatedDisk;
  readonly #decoding: Decoding;
  readonly #intact: Seen;
  readonly #intactTexts = new Map<string, string | undefined>();
  /** By file and what its bytes decode to. */
  readonly #outcomes = new Map<string, Outcome>();
  opened = 0;

  private constructor(disk: SimulatedDisk, intact: Seen) {
    this.#disk = disk;
    this.#intact = intact;
    this.#decoding = new Decoding(disk);
    for (const path of disk.files()) this.#intactTexts.set(path, this.#decoding.of(disk, path));
  }

  static async of(disk: SimulatedDisk): Promise<Trial> {
    const opened = await open(disk.afterKill());
    const seen = await look(opened);
    if (opened.said.length > 0) throw new Error(`an undamaged directory opens with: ${opened.said.join("; ")}`);
    return new Trial(disk, seen);
  }

  /** undefined: all is as it should be. */
  async run(damages: Iterable<Damage>): Promise<string | undefined> {
    let turn = 0;
    for (const damage of damages) {
      const disk = this.#disk.afterKill();
      damage.apply(disk);
      const text = this.#decoding.of(disk, damage.path);
      const known = text === undefined ? undefined : this.#outcomes.get(`${damage.path} ${text}`);
      if (known !== undefined && turn++ % openEvery !== 0) continue;
      const outcome = await this.#open(disk, damage, text);
      if (outcome.wrong !== undefined) return `${damage.path}, ${damage.what}: ${outcome.wrong}`;
      if (known !== undefined && !same(known.seen, outcome.seen))
        return `${damage.path}, ${damage.what}: it decodes as another damage, and looks different`;
      this.#outcomes.set(`${damage.path} ${text}`, outcome);
    }
    return undefined;
  }

  async #open(disk: SimulatedDisk, { path }: Damage, text: string | undefined): Promise<Outcome> {
    this.opened++;
    const kept = new Set(this.#decoding.commits(disk).map(({ lsn }) => lsn));
    const missedCommits = this.#decoding.commits(this.#disk).filter(({ lsn }) => !kept.has(lsn));
    const found = checkDirectory(disk).findings.filter(({ kind }) => kind !== "orphan-file");
    try {
      const opened = await open(disk);
      const seen = await look(opened);
      const isDerived = text === undefined;
      const hasEffect = isDerived ? !same(seen, this.#intact) : text !== this.#intactTexts.get(path);
      const isTold = opened.said.some((line) => /^(error|warn)/.test(line)) || found.length > 0;
      let wrong = judge({ path, missedCommits, intact: this.#intact, seen, said: opened.said, valueAt: this.valueAt });
      if (hasEffect && !isTold) wrong ??= "it has an effect, and nobody is told";
      await opened.driver.close();
      // What it has made of the damage stays so.
      if (!same(seen, await look(await open(disk.afterKill()))))
        wrong ??= "closed and opened again, it looks different";
      return { seen, wrong };
    } catch (error) {
      return {
        seen: this.#intact,
        wrong: `it cannot be opened and read: ${error instanceof Error ? error.stack : String(error)}`,
      };
    }
  }

  readonly valueAt = (place: string): string | undefined => {
    const [channel = "", , offset = ""] = place.split("/");
    if (channel === "events") return this.#intact.messages["events"]?.get(place);
    return `${channel} ${offset} `.padEnd(offset === "3" ? 320 : 60, ".");
  };
}

function same(one: Seen, other: Seen): boolean {
  const text = ({ channels, messages, committed }: Seen): string =>
    JSON.stringify([
      channels,
      Object.entries(messages).map(([reader, shown]) => [reader, [...shown].sort()]),
      committed,
    ]);
  return text(one) === text(other);
}

describe.for(["closed", "killed"] as const)("a small directory that was %s", (end) => {
  let disk: SimulatedDisk;
  beforeAll(async () => {
    disk = await makeDirectory(end);
  });

  test("has something of everything", () => {
    const { totals } = checkDirectory(disk);
    expect(totals).toMatchObject({ declarations: 6, pages: 2, commits: end === "closed" ? 0 : 13 });
    for (const path of [/^t\/1\//, /^t\/2\/0\//, /^t\/2\/1\//, /^t\/3\//, /^g\//, /\.timeindex$/]) {
      expect(disk.files().some((file) => path.test(file))).toBe(true);
    }
  });

  test("any bit of it may be wrong", { timeout: 1_500_000 }, async () => {
    const trial = await Trial.of(disk);
    expect(await trial.run(flipsOf(disk))).toBeUndefined();
    expect(trial.opened).toBeGreaterThan(500);
  });

  test("any file of it may end anywhere", { timeout: 300_000 }, async () => {
    const trial = await Trial.of(disk);
    expect(await trial.run(cutsOf(disk))).toBeUndefined();
    expect(trial.opened).toBeGreaterThan(100);
  });
});

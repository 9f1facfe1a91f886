import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { type CrashStyleName, crashStyles, SimulatedDisk } from "../../../src/disk/simulated.js";
import { textOf } from "./outcomes.js";

/**
 * A slow and simple judge: it remembers what the file looked like after each call since the last sync, and holds what a
 * crash leaves against that. Every write carries a letter of its own.
 */
interface History {
  readonly disk: SimulatedDisk;
  /** The first is the synced one. */
  readonly versions: string[];
  /** From here on, bytes may be zeros (or garbage): the synced file ended here, or was cut here since. */
  readonly freshFrom: number;
}

type Step = { kind: "write"; at: number; length: number } | { kind: "truncate"; size: number } | { kind: "sync" };

const write = fc.record({
  kind: fc.constant("write" as const),
  at: fc.oneof(fc.nat(3000), fc.constantFrom(0, 512, 1024, 4096)),
  length: fc.integer({ min: 1, max: 1500 }),
});
const truncate = fc.record({ kind: fc.constant("truncate" as const), size: fc.nat(5000) });
const sync = fc.record({ kind: fc.constant("sync" as const) });

async function play(steps: readonly Step[]): Promise<History> {
  const disk = new SimulatedDisk();
  const file = disk.open("a", "create");
  await disk.syncDirectory("");
  let versions = [""];
  let freshFrom = 0;
  for (const [index, step] of steps.entries()) {
    if (step.kind === "write") file.write(Buffer.alloc(step.length, 65 + (index % 58)), step.at);
    if (step.kind === "truncate") file.truncate(step.size);
    if (step.kind === "sync") {
      await file.sync();
      versions = [textOf(disk, "a")];
      freshFrom = file.size();
    } else {
      versions.push(textOf(disk, "a"));
      freshFrom = Math.min(freshFrom, file.size());
    }
  }
  return { disk, versions, freshFrom };
}

/** The first byte that has no right to be there, in words. */
function illegalByte(left: string, { versions, freshFrom }: History, garbage: boolean): string | undefined {
  if (!versions.some((version) => version.length === left.length)) return `the size was never ${left.length}`;
  for (let at = 0; at < left.length; at += 1) {
    const letter = left[at];
    const known = versions.some((version) => (version[at] ?? ".") === letter);
    const fresh = at >= freshFrom && (letter === "." || garbage);
    if (!known && !fresh) return `byte ${at} was never ${letter} since the last sync`;
  }
  return undefined;
}

/** Without cuts, each sector as a whole is some version of itself. */
function mixedSector(left: string, versions: readonly string[]): string | undefined {
  for (let start = 0; start < left.length; start += 512) {
    const end = Math.min(start + 512, left.length);
    const sectorOf = (text: string): string => text.slice(start, end).padEnd(end - start, ".");
    const known = versions.some((version) => sectorOf(version) === left.slice(start, end));
    if (!known) return `the sector at ${start} mixes versions of itself`;
  }
  return undefined;
}

const styles = Object.keys(crashStyles) as CrashStyleName[];
const sectorStyles = styles.filter((style) => crashStyles[style].tail === "zeros" && crashStyles[style].bytes !== 1);
const anySteps = fc.array(fc.oneof({ weight: 4, arbitrary: write }, truncate, sync), { maxLength: 12 });
const stepsWithoutCuts = fc.array(fc.oneof({ weight: 4, arbitrary: write }, sync), { maxLength: 12 });

test.each(styles)("a crash leaves no byte that the file did not have since its last sync (%s)", async (style) => {
  const property = fc.asyncProperty(anySteps, fc.nat(), async (steps, seed) => {
    const history = await play(steps);
    const left = textOf(history.disk.afterCrash(style, seededRandom(seed)), "a");
    expect(illegalByte(left, history, crashStyles[style].tail === "garbage")).toBeUndefined();
  });
  await expect(fc.assert(property, { numRuns: 200 })).resolves.toBeUndefined();
});

test.each(sectorStyles)("a crash mixes no versions within a sector (%s)", async (style) => {
  const property = fc.asyncProperty(stepsWithoutCuts, fc.nat(), async (steps, seed) => {
    const { disk, versions } = await play(steps);
    const left = textOf(disk.afterCrash(style, seededRandom(seed)), "a");
    expect(mixedSector(left, versions)).toBeUndefined();
  });
  await expect(fc.assert(property, { numRuns: 200 })).resolves.toBeUndefined();
});

test("everything leaves exactly what reads saw, nothing-unsynced exactly what was synced", async () => {
  const property = fc.asyncProperty(anySteps, fc.nat(), async (steps, seed) => {
    const { disk, versions } = await play(steps);
    expect(textOf(disk.afterCrash("everything", seededRandom(seed)), "a")).toBe(versions.at(-1));
    expect(textOf(disk.afterCrash("nothing-unsynced", seededRandom(seed)), "a")).toBe(versions[0]);
  });
  await expect(fc.assert(property, { numRuns: 300 })).resolves.toBeUndefined();
});

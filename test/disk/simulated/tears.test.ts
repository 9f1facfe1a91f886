import { expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { outcomes, put, putAt, putDurably, textOf } from "./outcomes.js";

/** How often old and new alternate, and at which positions. */
function changesOf(text: string): number[] {
  return text.split("").flatMap((letter, index) => (index > 0 && letter !== text[index - 1] ? [index] : []));
}

async function overwritten(bytes: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "o".repeat(bytes) });
  put(disk, "a", "n".repeat(bytes));
  return disk;
}

test.each([512, 4096] as const)("a write may be torn at multiples of %i bytes, each part by itself", async (unit) => {
  const disk = await overwritten(unit * 3);
  const look = (text: string): string => (text[0] ?? "") + (text[unit] ?? "") + (text[unit * 2] ?? "");
  const found = outcomes(disk, `torn-${unit}`, (left) => textOf(left, "a"));
  expect(found.map(look)).toEqual(["nnn", "nno", "non", "noo", "onn", "ono", "oon", "ooo"]);
  expect(found.flatMap(changesOf).every((position) => position % unit === 0)).toBe(true);
});

test("a write may be torn at any byte", async () => {
  const disk = await overwritten(10);
  const cuts = outcomes(disk, "torn-1", (left) => String(changesOf(textOf(left, "a"))));
  expect(cuts).toEqual(expect.arrayContaining(["", "1", "2", "3", "4", "5", "6", "7", "8", "9"]));
});

test("a torn write harms no byte outside its range", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "o".repeat(2000) });
  putAt(disk, { path: "a", position: 500 }, "n".repeat(1000));
  for (const style of ["torn-1", "torn-512", "torn-4096", "torn-garbage"] as const) {
    const outside = outcomes(disk, style, (left) => textOf(left, "a").slice(0, 500) + textOf(left, "a").slice(1500));
    expect(outside).toEqual(["o".repeat(1000)]);
  }
});

test("nothing is torn when writes survive as a whole", async () => {
  const disk = await overwritten(10_000);
  expect(outcomes(disk, "reordered", (left) => String(changesOf(textOf(left, "a"))))).toEqual([""]);
});

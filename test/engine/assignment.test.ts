import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Assignment, Candidate } from "../../src/engine/assignment.js";
import { cooperativeSticky } from "../../src/engine/assignments/cooperative-sticky.js";
import { range } from "../../src/engine/assignments/range.js";
import { roundRobin } from "../../src/engine/assignments/round-robin.js";

const nobody = (partitions: number): undefined[] => Array.from({ length: partitions });
const unnamed = (member: string): Candidate<string> => ({ member, name: undefined });

const all: readonly [string, Assignment][] = [
  ["cooperative-sticky", cooperativeSticky],
  ["range", range],
  ["round-robin", roundRobin],
];

describe.each(all)("any assignment (%s)", (_name, assign) => {
  test("is complete, balanced, and the same each time", () => {
    const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 });
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 12 }), fc.boolean(), (present, partitions, isNamed) => {
        const candidates = present.map((member) => ({ member, name: isNamed ? member : undefined }));
        const now = { owners: nobody(partitions), lastNames: nobody(partitions) };
        const owners = assign(candidates, now);
        const counts = present.map((member) => owners.filter((owner) => owner === member).length);
        expect(counts.reduce((sum, each) => sum + each, 0)).toBe(partitions);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        expect(assign(candidates, now)).toEqual(owners);
        expect(assign(candidates, { owners, lastNames: nobody(partitions) })).toEqual(owners);
      }),
    );
  });

  test("leaves partitions without an owner when there is no member", () => {
    expect(assign([], { owners: ["a", "a"], lastNames: nobody(2) })).toEqual([undefined, undefined]);
  });
});

test("a range gives each member neighbours, round-robin gives neighbours to different ones; names come first, in their order", () => {
  const candidates = [unnamed("x"), { member: "b-1", name: "b" }, { member: "a-1", name: "a" }];
  const now = { owners: nobody(7), lastNames: nobody(7) };
  expect(range(candidates, now)).toEqual(["a-1", "a-1", "a-1", "b-1", "b-1", "x", "x"]);
  expect(roundRobin(candidates, now)).toEqual(["a-1", "b-1", "x", "a-1", "b-1", "x", "a-1"]);
});

describe("a cooperative-sticky assignment", () => {
  test("is balanced, complete and moves no more than balance asks for", () => {
    const members = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 });
    const before = fc.array(fc.option(fc.constantFrom("a", "b", "c", "d", "e", "gone"), { nil: undefined }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(members, before, (present, owners) => {
        const known = owners.map((owner) =>
          owner !== undefined && (present as string[]).includes(owner) ? owner : undefined,
        );
        const after = cooperativeSticky(present.map(unnamed), { owners: known, lastNames: nobody(owners.length) });
        const count = (list: readonly unknown[], member: string): number =>
          list.filter((each) => each === member).length;
        const counts = present.map((member) => count(after, member));
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        expect(counts.reduce((sum, each) => sum + each, 0)).toBe(owners.length);
        const moved = after.filter(
          (owner, partition) => known[partition] !== undefined && owner !== known[partition],
        ).length;
        const mostMoves = present.reduce(
          (sum, member) => sum + Math.max(0, count(known, member) - count(after, member)),
          0,
        );
        expect(moved).toBe(mostMoves);
      }),
    );
  });

  test("leaves members without a partition when there are more of them", () => {
    const owners = cooperativeSticky(["a", "b", "c"].map(unnamed), { owners: ["c", "b"], lastNames: nobody(2) });
    expect(owners).toEqual(["c", "b"]);
  });

  test("gives a named member back what it had", () => {
    const a = { member: "a-2", name: "a" };
    const b = { member: "b-1", name: "b" };
    const lastNames = ["a", "b", "a", "b"];
    expect(cooperativeSticky([b, a], { owners: ["b-1", "b-1", "b-1", "b-1"], lastNames })).toEqual([
      "a-2",
      "b-1",
      "a-2",
      "b-1",
    ]);
  });

  test("gives the larger share to whoever holds more already", () => {
    const owners = ["b", "b", "b", "a", "a"];
    expect(cooperativeSticky(["a", "b"].map(unnamed), { owners, lastNames: nobody(5) })).toEqual(owners);
  });
});

/**
 * Balanced (member counts differ by at most one), sticky (nobody gives up a partition that balance lets him keep), and faithful
 * (a named member gets back what it had under this name before).
 */
import { assert } from "../../base/assert.js";
import type { Candidate, Partitioning } from "../assignment.js";

export function cooperativeSticky<M>(candidates: readonly Candidate<M>[], now: Partitioning<M>): (M | undefined)[] {
  const partitions = now.owners.length;
  const owners: (M | undefined)[] = Array.from({ length: partitions });
  if (candidates.length === 0) return owners;
  const shares = sharesOf(candidates, now);
  claim(owners, shares, (candidate, partition) => remembers(candidate, now, partition));
  claim(owners, shares, (candidate, partition) => now.owners[partition] === candidate.member);
  claim(owners, shares, () => true);
  assert(!owners.includes(undefined), "every partition has an owner when there is a member");
  return owners;
}

/** A named member comes before its partition's present owner: it is back and expected. */
function remembers<M>(candidate: Candidate<M>, now: Partitioning<M>, partition: number): boolean {
  return candidate.name !== undefined && now.lastNames[partition] === candidate.name;
}

interface Share<M> {
  readonly candidate: Candidate<M>;
  left: number;
}

/** How many partitions each may have: those that hold most now get the larger shares, so that fewer move. */
function sharesOf<M>(candidates: readonly Candidate<M>[], now: Partitioning<M>): Share<M>[] {
  const partitions = now.owners.length;
  const smallest = Math.floor(partitions / candidates.length);
  let larger = partitions % candidates.length;
  const held = (candidate: Candidate<M>): number => {
    const has = (owner: M | undefined, partition: number): boolean =>
      owner === candidate.member || remembers(candidate, now, partition);
    return now.owners.filter(has).length;
  };
  const counts = new Map(candidates.map((candidate) => [candidate, held(candidate)]));
  const byHeld = [...candidates].sort((one, other) => (counts.get(other) ?? 0) - (counts.get(one) ?? 0));
  const shares = new Map(byHeld.map((candidate) => [candidate, smallest + (larger-- > 0 ? 1 : 0)]));
  return candidates.map((candidate) => ({ candidate, left: shares.get(candidate) ?? 0 }));
}

function claim<M>(
  owners: (M | undefined)[],
  shares: readonly Share<M>[],
  wants: (candidate: Candidate<M>, partition: number) => boolean,
): void {
  for (let partition = 0; partition < owners.length; partition++) {
    if (owners[partition] !== undefined) continue;
    const share = shares.find((each) => each.left > 0 && wants(each.candidate, partition));
    if (share === undefined) continue;
    owners[partition] = share.candidate.member;
    share.left--;
  }
}

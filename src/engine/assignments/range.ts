/** Partitions next to each other to each member, in the order of the line; the first ones get one more. What belongs together by number stays together. */
import { type Candidate, inLine, type Partitioning } from "../assignment.js";

export function range<M>(candidates: readonly Candidate<M>[], now: Partitioning<M>): (M | undefined)[] {
  const members = inLine(candidates);
  const partitions = now.owners.length;
  const share = Math.floor(partitions / Math.max(1, members.length));
  const larger = partitions - share * members.length;
  const counts = members.map((_, index) => share + (index < larger ? 1 : 0));
  const owners: (M | undefined)[] = members.flatMap((member, index) =>
    Array.from({ length: counts[index] ?? 0 }, () => member),
  );
  return members.length === 0 ? Array.from({ length: partitions }) : owners;
}

/** Partitions to the members in turn, in the order of the line: neighbours go to different members. */
import { type Candidate, inLine, type Partitioning } from "../assignment.js";

export function roundRobin<M>(candidates: readonly Candidate<M>[], now: Partitioning<M>): (M | undefined)[] {
  const members = inLine(candidates);
  return now.owners.map((_, partition) => members[partition % members.length]);
}

/**
 * Who reads which partition of a stream. The contract; each file of `assignments/` fulfils it in its way.
 *
 * Every assignment is complete (with a member, each partition has an owner) and balanced (member counts differ by at most one), and is pure: the same
 * arguments give the same answer. A partition whose owner stays the same goes on undisturbed, whatever else moves.
 */
export interface Candidate<M> {
  readonly member: M;
  /** Static name; undefined for a member that is new each time. */
  readonly name: string | undefined;
}

export interface Partitioning<M> {
  /** The present owner of each partition, by index; undefined where there is none or where it has left. */
  readonly owners: readonly (M | undefined)[];
  /** The name that each partition was last read under, by index. */
  readonly lastNames: readonly (string | undefined)[];
}

/** The owner of each partition, by index; undefined for all when there is no member. `candidates` are in the order in which they joined. */
export type Assignment = <M>(candidates: readonly Candidate<M>[], now: Partitioning<M>) => (M | undefined)[];

export type AssignmentName = "cooperative-sticky" | "range" | "round-robin";

/** Members in a line: those with a name by their names, then the others as they joined. */
export function inLine<M>(candidates: readonly Candidate<M>[]): M[] {
  const named = candidates.filter((each) => each.name !== undefined);
  const others = candidates.filter((each) => each.name === undefined);
  named.sort((one, other) => ((one.name as string) < (other.name as string) ? -1 : 1));
  return [...named, ...others].map((each) => each.member);
}

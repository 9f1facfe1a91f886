/** An assumption of ours was wrong: a defect in Millrace, never a caller's mistake. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Stays on in production: a broken assumption must stop us before it reaches the disk. */
export function assert(fact: boolean, otherwise: string): asserts fact {
  if (!fact) throw new AssertionError(`assertion failed: ${otherwise}`);
}

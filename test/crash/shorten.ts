import type { Failure } from "./explorer.js";
import type { Operation } from "./operations.js";

/** Leaves out operations, many at a time and then one by one, while what is left still fails. */
export async function shorten(
  failure: Failure,
  again: (operations: readonly Operation[]) => Promise<Failure | undefined>,
): Promise<Failure> {
  let shortest = failure;
  for (let size = Math.ceil(failure.operations.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let at = 0;
    while (at < shortest.operations.length) {
      const left = shortest.operations.toSpliced(at, size);
      const failed = left.length === 0 ? undefined : await again(left);
      if (failed === undefined) at += size;
      else shortest = failed;
    }
  }
  return shortest;
}

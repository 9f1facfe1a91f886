/** The names a mistyped one may have meant, nearest first: at most a third of its letters differ. */
export function similar(name: string, names: readonly string[]): string[] {
  const differencesMax = Math.max(1, Math.floor(name.length / 3));
  return names
    .map((each) => ({ each, differences: differencesBetween(name, each) }))
    .filter(({ differences }) => differences <= differencesMax)
    .toSorted((one, other) => one.differences - other.differences)
    .slice(0, 3)
    .map(({ each }) => each);
}

/** " Did you mean a or b?", or nothing. */
export function suggestion(name: string, names: readonly string[]): string {
  const found = similar(name, names);
  return found.length === 0 ? "" : ` Did you mean ${found.join(" or ")}?`;
}

/** Letters to insert, drop, replace or swap with their neighbour (optimal string alignment). */
function differencesBetween(one: string, other: string): number {
  let previous: number[] = [];
  let current = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      let least = Math.min(at(current, column) + 1, at(next, column - 1) + 1, at(current, column - 1) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (swapped) least = Math.min(least, at(previous, column - 2) + 1);
      next.push(least);
    }
    previous = current;
    current = next;
  }
  return at(current, other.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

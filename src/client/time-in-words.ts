const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** "350 ms", "1 minute", "5 hours": the largest unit of which there is at least one, rounded. */
export function inWords(ms: number): string {
  for (const [unit, unitMs] of units) {
    if (ms < unitMs) continue;
    const count = Math.round(ms / unitMs);
    return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return `${Math.round(ms)} ms`;
}

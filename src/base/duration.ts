/** A length of time: a number of milliseconds, or a number with its unit. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A hundred years: what is later than that is never, and a date beyond it may not be one. */
const longestMs = 3_155_760_000_000;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A duration in milliseconds.
 * @throws TypeError naming `what` when it is not a duration of 0 to a hundred years.
 */
export function durationMs(duration: Duration, what: string): number {
  const ms = typeof duration === "number" ? duration : parse(duration);
  if (ms >= 0 && ms <= longestMs) return ms;
  if (ms > longestMs && Number.isFinite(ms)) throw new TypeError(`${what} must not be over a hundred years`);
  const given = typeof duration === "number" ? String(duration) : JSON.stringify(duration);
  throw new TypeError(`${what} must be a duration such as 250, "250ms", "30s", "5m", "2h" or "7d", not ${given}`);
}

function parse(text: unknown): number {
  const match = typeof text === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) : null;
  if (!match) return Number.NaN;
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}

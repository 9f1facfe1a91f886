/** Numbers for people. With `--json` they are printed as they are. */

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** "1 message", "2,000 messages" */
export function formatCounted(count: number, thing: string): string {
  return `${formatCount(count)} ${thing}${count === 1 ? "" : "s"}`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < byteUnits.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${byteUnits[unit] ?? ""}`;
}

const timeUnits = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** The largest unit that fits, and one digit behind it for small numbers: "350 ms", "1.5 s", "3 h". */
export function formatMs(ms: number): string {
  for (const [unit, unitMs] of timeUnits) {
    if (ms < unitMs) continue;
    const amount = ms / unitMs;
    return `${amount < 10 ? trimmed(amount) : Math.round(amount)} ${unit}`;
  }
  return `${Math.round(ms)} ms`;
}

function trimmed(amount: number): string {
  return amount.toFixed(1).replace(/\.0$/, "");
}

export function formatRate(count: number, elapsedMs: number): string {
  return elapsedMs <= 0 ? "" : `${formatCount((count * 1000) / elapsedMs)}/s`;
}

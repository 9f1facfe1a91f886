/** When messages are handed out: none before its time, and of those that wait together the most urgent first. */
import type { Expectation } from "./history.js";
import type { Discovery } from "./judge.js";

export function ripeAndUrgentFirst(expected: Expectation, { handed }: Discovery): string | undefined {
  for (const [reader, messages] of handed) {
    let before: { readonly atMs: number; readonly priority: number } | undefined;
    for (const { number, atMs } of messages) {
      const sent = expected.sent.get(number);
      const priority = sent?.priority ?? 1;
      if (sent?.delayMs !== undefined && atMs < sent.atMs + sent.delayMs)
        return `${reader} is handed message ${number} before its time`;
      if (before?.atMs === atMs && before.priority < priority)
        return `${reader} is handed message ${number} of priority ${priority} after one of ${before.priority}`;
      before = { atMs, priority };
    }
  }
  return undefined;
}

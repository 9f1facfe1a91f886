/**
 * What a loss of power makes of all that was not synced. Whatever the style: bytes that were synced never change, a
 * synced name stays, a rename happened or did not, and within one sector of 512 bytes an older write never survives a
 * younger one.
 */
export interface CrashStyle {
  /**
   * Which unsynced bytes reached the medium: none, all, any of the writes but each as a whole, or any parts of them,
   * cut at multiples of 4096 or 512, or anywhere.
   */
  readonly bytes: "none" | "all" | "whole-writes" | 4096 | 512 | 1;
  /** Whether a file has the size it was last synced with, its newest, or any it had between. */
  readonly sizes: "old" | "new" | "any";
  /** What stands past the synced size where the size survived and the bytes did not. */
  readonly tail: "zeros" | "garbage";
  /** Which created, renamed and removed names survived: in their order within a directory, independently across. */
  readonly names: "none" | "all" | "any";
}

export type CrashStyleName = keyof typeof crashStyles;

export const crashStyles = {
  /** The medium has only what was synced. */
  "nothing-unsynced": { bytes: "none", sizes: "old", tail: "zeros", names: "none" },
  /** The power failed just after everything was written back. */
  everything: { bytes: "all", sizes: "new", tail: "zeros", names: "all" },
  /** Some writes arrived, in no order. */
  reordered: { bytes: "whole-writes", sizes: "any", tail: "zeros", names: "any" },
  "torn-4096": { bytes: 4096, sizes: "any", tail: "zeros", names: "any" },
  "torn-512": { bytes: 512, sizes: "any", tail: "zeros", names: "any" },
  "torn-1": { bytes: 1, sizes: "any", tail: "zeros", names: "any" },
  /** Files grew before their bytes arrived: what stands there is zeros, or what the medium held before. */
  "zero-tail": { bytes: "whole-writes", sizes: "new", tail: "zeros", names: "all" },
  "garbage-tail": { bytes: "whole-writes", sizes: "new", tail: "garbage", names: "all" },
  "torn-garbage": { bytes: 1, sizes: "any", tail: "garbage", names: "any" },
  /** Bytes arrived, the names did not; and the other way round. */
  "names-last": { bytes: "all", sizes: "new", tail: "zeros", names: "none" },
  "names-first": { bytes: "none", sizes: "old", tail: "zeros", names: "all" },
} as const satisfies Record<string, CrashStyle>;

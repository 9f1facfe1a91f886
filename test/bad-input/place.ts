import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { open, silentLogger } from "../../src/index.js";
import type { Millrace, OpenOptions } from "../../src/index.js";

/** What is refused on no disk is refused on a disk, in the same words. */
export const places = ["memory:", "./data"] as const;

export type Place = (typeof places)[number];

/** A directory of this test alone, that goes with it. */
export function ownDirectory(): string {
  const root = mkdtempSync(join(tmpdir(), "millrace-bad-input-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** Opened for this test, silent, and closed behind it. */
export async function openAt(place: Place, options: OpenOptions = {}): Promise<Millrace> {
  const where = place === "memory:" ? place : join(ownDirectory(), "data");
  const limits = { walFileBytes: 1024 * 1024, reserveBytes: 4096, ...options.limits };
  const mill = await open(where, { logger: silentLogger, ...options, limits });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return mill;
}

/** What it is refused with, thrown or rejected; a call that is accepted fails the test. */
export async function refusal(call: () => unknown): Promise<Error> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`it was refused with ${String(error)}, which is no error`, { cause: error });
  }
  throw new Error(`it was accepted, and gave ${String(result)}`);
}

/** Every pair of a place and a row, for `test.for`. */
export function everywhere<R extends readonly unknown[]>(rows: readonly R[]): (readonly [Place, ...R])[] {
  return places.flatMap((place) => rows.map((row) => [place, ...row] as const));
}

/**
 * How a group's progress on one partition is written down: as entries of the write-ahead log, and in the snapshot.
 * Every number is a varint; times are wall milliseconds, 0 for none. `group` and `partition` say whose progress it is.
 *
 *   1 settled    group · partition · runs · (gap · length - 1) …           gap: from the end of the run before; the first from 0
 *   2 delivered  group · partition · offset                                every offset below was delivered at least once
 *   3 retries    group · partition · count · (gap · attempts · due · first failed) …
 *   4 bytes      group · partition · bytes                                 what a queue with a bound on bytes holds
 *   5 moved      group · partition · offset · runs · (gap · length - 1) …  begins anew at the offset; the runs were handled before
 *   6 delivered  group · partition · runs · (gap · length - 1) …           each of these was delivered at least once
 *     each
 *   7 due        group · partition · kind · index                         what is due when: see due-codec.ts
 *  16 ids        drawn in dedup/id-codec.ts
 *
 *   snapshot     version · count · (group · partition · floor · delivered · bytes
 *                                   · runs · (gap · length - 1) …           pages that are settled altogether
 *                                   · retries · (gap · attempts · due · first failed) …
 *                                   · begun · runs · (gap · length - 1) …  where it was moved to last, what it had handled before
 *                                   · 0, or 1 · runs · (gap · length - 1) …) … counts each: pages that were delivered altogether
 *                · ids                                                       drawn in dedup/id-codec.ts; since version 4
 *                · count · (group · partition · kind · index) …            what is due when; since version 5
 *
 * Each entry says how things are, not how they changed: to replay one twice is to replay it once.
 * To add an entry: give it the next number, draw it here, and add it to `entryTypes`. To change one, do the same and keep the old. To
 * change the snapshot: raise `snapshotVersion` and keep the old decoder.
 * A number or version we do not know was written by a newer release: LOG_VERSION_UNSUPPORTED.
 */
import type { ByteReader, ByteWriter } from "../base/bytes.js";
import { MillraceError } from "../base/errors.js";
import type { Run } from "./settled-pages.js";

export const entryTypes = {
  settled: 1,
  delivered: 2,
  retries: 3,
  bytes: 4,
  moved: 5,
  deliveredEach: 6,
  due: 7,
  ids: 16,
} as const;
export const snapshotVersion = 5;

/** What is remembered of a message that was delivered and not settled. */
export interface Retry {
  /** Deliveries so far that count. */
  readonly attempts: number;
  /** Wall time before which it must not be delivered again; 0: at once. */
  readonly dueAtMs: number;
  /** Wall time of the first failure; 0: none has failed. */
  readonly firstFailedAtMs: number;
}

export type RetryAt = readonly [offset: number, retry: Retry];

/** `runs` ascend and do not touch. */
export function writeRuns(body: ByteWriter, runs: readonly Run[]): void {
  body.varint(runs.length);
  let end = 0;
  for (const run of runs) {
    body.varint(run.first - end);
    body.varint(run.count - 1);
    end = run.first + run.count;
  }
}

export function readRuns(body: ByteReader): Run[] {
  const runs: Run[] = [];
  let end = 0;
  for (let left = body.varint(); left > 0; left--) {
    const first = end + body.varint();
    const count = body.varint() + 1;
    runs.push({ first, count });
    end = first + count;
  }
  return runs;
}

/** `retries` ascend. */
export function writeRetries(body: ByteWriter, retries: readonly RetryAt[]): void {
  body.varint(retries.length);
  let before = 0;
  for (const [offset, retry] of retries) {
    body.varint(offset - before);
    body.varint(retry.attempts);
    body.varint(retry.dueAtMs);
    body.varint(retry.firstFailedAtMs);
    before = offset;
  }
}

export function readRetries(body: ByteReader): RetryAt[] {
  const retries: RetryAt[] = [];
  let offset = 0;
  for (let left = body.varint(); left > 0; left--) {
    offset += body.varint();
    retries.push([offset, { attempts: body.varint(), dueAtMs: body.varint(), firstFailedAtMs: body.varint() }]);
  }
  return retries;
}

export function unsupported(what: string): MillraceError {
  return new MillraceError(
    "LOG_VERSION_UNSUPPORTED",
    `the log holds ${what}, which this release does not know: open the directory with the release that wrote it`,
  );
}

import { MillraceError } from "../../base/errors.js";
import { filterBatch } from "../batch/filter.js";
import { BatchView } from "../batch/view.js";
import { BatchScanner, type Damage } from "./scanner.js";
import { Segment } from "./segment.js";

export type Keep = (offset: number) => boolean;

/**
 * Writes the sealed `segment` anew, with only the records `keep` wants, as its next revision; the old files stay until
 * the caller removes them, after the new ones are synced and the checkpoint names them. Every record keeps its offset.
 *
 * A segment with damage is left alone: in the new one nobody could tell what was lost from what was no longer wanted.
 * Then it throws LOG_CORRUPT. When it throws for whatever reason, nothing is left of the new files.
 */
export function rewriteSegment(segment: Segment, keep: Keep): Segment {
  const rewriting = rewriteInSteps(segment, keep);
  for (;;) {
    const step = rewriting.next();
    if (step.done === true) return step.value;
  }
}

/** As much as takes a fraction of a millisecond. */
const stepBytes = 256 * 1024;

/** The same, with a pause now and then for whoever has other things to do meanwhile. */
export function* rewriteInSteps(segment: Segment, keep: Keep): Generator<void, Segment> {
  const fresh = Segment.create(segment.files, segment.baseOffset, segment.revision + 1);
  try {
    let pauseAt = stepBytes;
    const start = { position: 0, offset: segment.baseOffset };
    const scanner = new BatchScanner(segment, start, (damage) => refuse(segment, damage));
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
      const bytes = filterBatch(batch, keep);
      if (bytes !== undefined) fresh.append(bytes === batch.bytes ? batch : new BatchView(bytes));
      if (scanner.batchPosition < pauseAt) continue;
      pauseAt = scanner.batchPosition + stepBytes;
      yield;
    }
    fresh.seal(segment.endOffset);
    return fresh;
  } catch (error) {
    fresh.remove();
    throw error;
  }
}

function refuse(segment: Segment, { lostFrom, lostTo }: Damage): void {
  if (lostFrom === lostTo) return;
  throw new MillraceError(
    "LOG_CORRUPT",
    `${segment.path} has lost the offsets ${lostFrom} to ${lostTo - 1} to damage: it is kept as it is, not rewritten`,
  );
}

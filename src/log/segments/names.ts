/**
 * Names of segment files: `<base offset, 20 digits>.log`, with a revision before the ending once the segment has been rewritten:
 * `<base offset>.<revision>.log`. Its indexes stand beside it under the same name.
 */
export type SegmentFileKind = "log" | "index" | "timeindex";

export interface SegmentFileName {
  readonly baseOffset: number;
  readonly revision: number;
  readonly kind: SegmentFileKind;
}

export function segmentFileName({ baseOffset, revision, kind }: SegmentFileName): string {
  const base = String(baseOffset).padStart(20, "0");
  return revision === 0 ? `${base}.${kind}` : `${base}.${revision}.${kind}`;
}

const pattern = /^(\d{20})(?:\.([1-9]\d{0,8}))?\.(log|index|timeindex)$/;

/** undefined when no segment file is named so. */
export function parseSegmentFileName(name: string): SegmentFileName | undefined {
  const match = pattern.exec(name);
  if (match === null) return undefined;
  const baseOffset = Number(match[1]);
  if (!Number.isSafeInteger(baseOffset)) return undefined;
  return { baseOffset, revision: Number(match[2] ?? 0), kind: match[3] as SegmentFileKind };
}

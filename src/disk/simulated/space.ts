import { systemError } from "../failure.js";
import type { StoredFile } from "./stored-file.js";

/** The room of the simulated disk. A file takes as much as up to its last write; a hole behind it takes none. */
export class Space {
  capacityBytes: number;
  usedBytes = 0;

  constructor(capacityBytes = Number.POSITIVE_INFINITY) {
    this.capacityBytes = capacityBytes;
  }

  get freeBytes(): number {
    return Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, this.capacityBytes - this.usedBytes));
  }

  /** How many of `bytes` can be written at `position`. As real ones do it: what fits, and only then an error. */
  fitting(file: StoredFile, position: number, bytes: number): number {
    const grows = Math.max(0, position + bytes - file.allocatedBytes);
    const fitting = bytes - Math.max(0, grows - this.freeBytes);
    if (fitting <= 0 && bytes > 0) throw systemError("ENOSPC");
    return fitting;
  }

  /** A file gives its room back once it has neither a name nor a handle. */
  releaseIfGone(file: StoredFile): void {
    if (!file.linked && file.handles === 0) this.usedBytes -= file.allocatedBytes;
  }
}

/** For tests of programs that use Millrace, and of drivers: time that a test moves, and a disk that fails as real ones do. */
export { ManualClock } from "./manual-clock.js";
export { MemoryIdempotencyStore } from "./memory-idempotency-store.js";
export { crashStyles, SimulatedCrash, SimulatedDisk } from "../disk/simulated.js";
export type {
  CrashStyle,
  CrashStyleName,
  DiskCall,
  Fault,
  FaultPlan,
  SimulatedDiskOptions,
  TraceEntry,
} from "../disk/simulated.js";
export type { Disk, DiskFile } from "../disk/disk.js";
export type { Clock, Timer } from "../base/clock.js";

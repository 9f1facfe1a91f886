/** How many partitions a stream needs, and why: plain arithmetic, so that anybody can follow it. */

export interface PlanInput {
  /** Messages a second at the busiest moment known. */
  readonly peak: number;
  /** How many times the peak there should be room for: a count can be raised later, but keys move then. */
  readonly headroom: number;
  readonly payloadBytes: number;
  /** How long a handler takes with one message. */
  readonly handlerMs: number;
  /** Handlers at once in one partition, of different keys. */
  readonly concurrency: number;
}

export interface PartitionPlan {
  readonly partitions: number;
  /** Messages a second to be ready for. */
  readonly rate: number;
  readonly bytesPerSecond: number;
  /** Messages a second that one partition's handlers get done. */
  readonly ratePerPartition: number;
  readonly forHandlers: number;
  readonly forBytes: number;
}

/** What one partition is asked to carry at most, a second: well below what it can, so that a group that lags catches up. */
export const partitionBytesPerSecond: number = 10 * 1024 * 1024;

/** Counts that most numbers of members share evenly. */
const evenCounts = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1000];

export function planPartitions({ peak, headroom, payloadBytes, handlerMs, concurrency }: PlanInput): PartitionPlan {
  const rate = peak * headroom;
  const bytesPerSecond = rate * payloadBytes;
  const ratePerPartition = handlerMs === 0 ? Infinity : (1_000 * concurrency) / handlerMs;
  const forHandlers = Math.max(1, roundedUp(rate / ratePerPartition));
  const forBytes = Math.max(1, roundedUp(bytesPerSecond / partitionBytesPerSecond));
  const needed = Math.max(forHandlers, forBytes);
  const partitions = evenCounts.find((count) => count >= needed) ?? needed;
  return { partitions, rate, bytesPerSecond, ratePerPartition, forHandlers, forBytes };
}

/** 9.000000000000002 is 9. */
function roundedUp(count: number): number {
  return Math.ceil(count - 1e-9);
}

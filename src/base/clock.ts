/**
 * Time, as an argument. The only file that touches `Date.now`, timers and `setImmediate`,
 * so that everything above can be simulated.
 */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since 1970. May jump; never used to measure a duration. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start. Never goes back. Leases and timeouts are measured with it. */
  monotonicMs(): number;
  /** Calls `run` once, not before `delayMs` have passed on the monotonic clock. Does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` once everything that is ready now has had its turn. Keeps the process alive until then. */
  soon(run: () => void): void;
}

/** Timers of Node fire at once when asked for more than this (2^31 - 1 ms, 24.8 days). */
const timerDelayMsMax = 2_147_483_647;

class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, run: () => void): Timer {
    const dueMs = this.monotonicMs() + delayMs;
    let handle: NodeJS.Timeout;
    const arm = (waitMs: number): void => {
      handle = setTimeout(fire, Math.min(Math.max(0, Math.ceil(waitMs)), timerDelayMsMax));
      handle.unref();
    };
    // Node may fire up to a millisecond early, and never waits longer than its maximum: look again when woken.
    const fire = (): void => {
      const leftMs = dueMs - this.monotonicMs();
      if (leftMs > 0) arm(leftMs);
      else run();
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  }

  soon(run: () => void): void {
    setImmediate(run);
  }
}

/**
 * Keeps the process alive until cancelled, as a listening socket does. For whoever waits for what may come at any time:
 * nothing else need be going on, and the process must not end as if all were done.
 */
export function stayAlive(): Timer {
  const handle = setInterval(() => {}, timerDelayMsMax);
  return { cancel: () => clearInterval(handle) };
}

export const systemClock: Clock = new SystemClock();

/** Resolves after `delayMs` on `clock`. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve));
}

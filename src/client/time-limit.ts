import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";

/** What `promise` comes to; or rejects with TIMEOUT when that takes longer. It is not stopped by that: nobody waits for it any more. */
export function within<R>(
  promise: Promise<R>,
  limit: { readonly clock: Clock; readonly ms: number; readonly what: string },
): Promise<R> {
  return new Promise((resolve, reject) => {
    const timer = limit.clock.after(limit.ms, () => {
      reject(new MillraceError("TIMEOUT", `${limit.what} took longer than ${limit.ms} ms`));
    });
    promise.finally(() => timer.cancel()).then(resolve, reject);
  });
}

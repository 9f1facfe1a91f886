import { diskFailure, systemError } from "../failure.js";
import { type Calls, type Fault, SimulatedCrash } from "./calls.js";

export interface Medium {
  readonly where: string;
  readonly calls: Calls;
  /** How long a sync takes; without it, until the code that runs now has ended. */
  readonly syncTakes: (() => Promise<unknown>) | undefined;
}

export interface SyncCall {
  readonly operation: "sync" | "syncDirectory";
  readonly path: string;
}

/**
 * A sync takes effect when it resolves: whatever happens meanwhile happens to a disk without it. When the process dies
 * before, it never resolves, and whether the medium has the bytes is the crash's to say.
 */
export async function runSync(
  medium: Medium,
  call: SyncCall,
  effect: (fault: Fault | undefined) => void,
): Promise<void> {
  const { calls } = medium;
  const fault = beginUnlessDead(calls, call);
  await medium.syncTakes?.();
  if (calls.dead) await new Promise(() => {});
  if (fault?.fail !== undefined) {
    effect(fault);
    const action = call.operation === "sync" ? "sync" : "sync the directory";
    throw diskFailure({ where: medium.where, action, path: call.path }, systemError(fault.fail));
  }
  effect(undefined);
  calls.trace?.push({ what: call.operation === "sync" ? "synced" : "syncedDirectory", path: call.path, bytes: 0 });
}

function beginUnlessDead(calls: Calls, { operation, path }: SyncCall): Fault | undefined {
  try {
    return calls.begin(operation, path, 0);
  } catch (error) {
    if (error instanceof SimulatedCrash) return undefined;
    throw error;
  }
}

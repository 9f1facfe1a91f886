/** Disks that fail while a workload runs, as data: which call, and what becomes of it. */
import type { DiskCall, Fault } from "../../src/disk/simulated.js";

export interface FaultedCall {
  readonly call:
    | "sync"
    | "syncDirectory"
    | "write"
    | "read"
    | "create"
    | "open"
    | "rename"
    | "remove"
    | "truncate"
    | "makeDirectory";
  readonly fault: Fault;
}

interface Armed extends FaultedCall {
  /** Calls of this kind that are still to be made as usual. */
  after: number;
  times: number;
}

/** The faults that a workload has asked for and that have not happened yet. */
export class Faults {
  #armed: Armed[] = [];

  arm(fault: FaultedCall & { readonly after: number; readonly times: number }): void {
    this.#armed.push({ call: fault.call, fault: fault.fault, after: fault.after, times: fault.times });
  }

  disarm(): void {
    this.#armed = [];
  }

  /** What is to go wrong with this call. */
  meet(call: DiskCall): Fault | undefined {
    if (this.#armed.length === 0) return undefined;
    const armed = this.#armed.find((each) => each.call === call.operation);
    if (armed === undefined || armed.after-- > 0) return undefined;
    if (--armed.times <= 0) this.#armed = this.#armed.filter((each) => each !== armed);
    return armed.fault;
  }
}

/**
 * What one group has done, by keys that its consumers choose, and who is at work on which key now.
 *
 *   free ── claim ──▶ taken ── settled with its mark ──▶ done, for its keep time
 *    ▲                  │
 *    └── lease ended ───┘   in any other way
 *
 * A mark rides in the commit of the settlement, as an id in the group's window. Claims are memory only, like the leases they hang on.
 */
import type { Log } from "../../log/log.js";
import type { LeasedRecord } from "../leases.js";
import type { IdWindow } from "./id-window.js";
import type { IdWindows } from "./id-windows.js";

export interface DoneMark {
  readonly key: string;
  /** For how long it is remembered. */
  readonly keepMs: number;
}

export type Claim = "free" | "taken" | "done";

/** Claims that have ended are looked for when there are twice as many as then, and at least so many. */
const sweptMin = 64;

export class DoneMarks {
  readonly #log: Log;
  readonly #windows: IdWindows;
  readonly #groupId: number;
  #window: IdWindow | undefined;
  readonly #claims = new Map<string, LeasedRecord>();
  #sweepAt = sweptMin;

  constructor(log: Log, windows: IdWindows, groupId: number) {
    this.#log = log;
    this.#windows = windows;
    this.#groupId = groupId;
    this.#window = windows.find({ purpose: "done", owner: groupId });
  }

  /** Claims that are remembered, those included that have ended and were not looked for yet. */
  get claims(): number {
    return this.#claims.size;
  }

  /** "free": it is this delivery's from now on, as long as its lease lasts. */
  claim(lease: LeasedRecord, { key, keepMs }: DoneMark): Claim {
    if (this.#window !== undefined) {
      this.#window.windowMs = keepMs;
      if (this.#window.has(key)) return "done";
    }
    const holder = this.#claims.get(key);
    if (holder !== undefined && holder !== lease && holder.list !== undefined) return "taken";
    this.#claims.set(key, lease);
    if (this.#claims.size >= this.#sweepAt) this.#sweep();
    return "free";
  }

  /** Within the commit that settles its delivery. */
  add({ key, keepMs }: DoneMark): void {
    this.#claims.delete(key);
    this.#window ??= this.#windows.of({ purpose: "done", owner: this.#groupId }, keepMs);
    this.#window.windowMs = keepMs;
    if (!this.#window.has(key) && this.#window.add(key)) this.#log.touch(this.#window);
  }

  #sweep(): void {
    for (const [key, { list }] of this.#claims) if (list === undefined) this.#claims.delete(key);
    this.#sweepAt = Math.max(sweptMin, this.#claims.size * 2);
  }
}

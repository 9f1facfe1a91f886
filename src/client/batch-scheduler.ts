import type { Timer } from "../base/clock.js";
import type { IncomingDelivery } from "../driver.js";
import { HeldDelivery } from "./held-delivery.js";
import type { HeldList } from "./held-list.js";
import type { Scheduler, SchedulerParts } from "./scheduler.js";
import { Slices } from "./slices.js";
import { Work } from "./work.js";

/**
 * Many messages of a queue or topic a call, in any order, up to `concurrency` calls at once. It fetches for the call it will make next, and
 * waits for that to fill for at most `within`.
 */
export class BatchScheduler<T> implements Scheduler<T> {
  readonly #parts: SchedulerParts<T>;
  readonly #work: Work<T>;
  readonly #slices: Slices;
  /** For the next call, still filling. */
  #gathering: readonly IncomingDelivery[] = [];
  #gatherTimer: Timer | undefined;
  /** Calls to be made when there is a place. */
  #ready: (readonly IncomingDelivery[])[] = [];
  #running = 0;

  constructor(parts: SchedulerParts<T>) {
    this.#parts = parts;
    this.#slices = new Slices(parts.clock, () => this.#beginNext());
    this.#work = new Work(parts, { ended: (held) => this.#ended(held) });
  }

  get begun(): HeldList<T> {
    return this.#work.begun;
  }

  room(): number {
    const { places, handling } = this.#parts;
    const { size } = handling;
    return this.#ready.length > 0 || this.#running >= places.now ? 0 : size - this.#gathering.length;
  }

  add(deliveries: readonly IncomingDelivery[]): void {
    const { size, withinMs } = this.#parts.handling;
    this.#gathering = this.#gathering.length === 0 ? deliveries : this.#gathering.concat(deliveries);
    if (this.#gathering.length >= size || withinMs === 0) return this.#dispatch();
    this.#gatherTimer ??= this.#parts.clock.after(withinMs, () => this.#dispatch());
  }

  grown(): void {
    this.#slices.run();
  }

  waiting(): IncomingDelivery[] {
    return [...this.#ready.flat(), ...this.#gathering];
  }

  forget(gone: (delivery: IncomingDelivery) => boolean): void {
    const kept = (some: readonly IncomingDelivery[]): readonly IncomingDelivery[] => some.filter((each) => !gone(each));
    this.#ready = this.#ready.map(kept).filter((batch) => batch.length > 0);
    this.#gathering = kept(this.#gathering);
  }

  expire(held: HeldDelivery<T>): void {
    this.#work.expire(held);
  }

  #dispatch(): void {
    this.#gatherTimer?.cancel();
    this.#gatherTimer = undefined;
    this.#ready.push(...batchesOf(this.#gathering, this.#parts.handling.policy.attempts));
    this.#gathering = [];
    this.#slices.run();
    this.#parts.events.freed();
  }

  #beginNext(): boolean {
    if (this.#running >= this.#parts.places.now) return false;
    const deliveries = this.#ready.shift();
    if (deliveries === undefined) return false;
    this.#running += 1;
    const call = { open: deliveries.length };
    const batch: HeldDelivery<T>[] = [];
    for (const incoming of deliveries) {
      const held = new HeldDelivery(incoming, incoming.attempt, this.#parts.holder);
      held.call = call;
      batch.push(held);
    }
    this.#work.begin(batch, this.#slices.startMs);
    return true;
  }

  #ended({ call }: HeldDelivery<T>): void {
    if (call === undefined || --call.open > 0) return;
    this.#running -= 1;
    if (this.#ready.length > 0) this.#slices.run();
    this.#parts.events.freed();
  }
}

/**
 * What goes to the handler together. A message on its last attempt goes alone, so that a poison message takes no neighbour to
 * the dead letters with it; where there is but one attempt, that would be all of them, and nothing is gained.
 */
export function batchesOf<D extends { readonly attempt: number }>(
  deliveries: readonly D[],
  attemptsMax: number,
): (readonly D[])[] {
  const isLast = (each: D): boolean => attemptsMax > 1 && each.attempt >= attemptsMax;
  if (deliveries.length === 0) return [];
  if (!deliveries.some(isLast)) return [deliveries];
  const together = deliveries.filter((each) => !isLast(each));
  const alone = deliveries.filter(isLast).map((each) => [each]);
  return together.length === 0 ? alone : [together, ...alone];
}

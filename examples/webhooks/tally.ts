import { eventNumber } from "./payloads.js";

/** Counts how often each event of a run was seen, in a byte an event. */
export class Tally {
  readonly #times: Uint8Array;
  #distinct = 0;
  #again = 0;
  #strangers = 0;

  constructor(events: number) {
    this.#times = new Uint8Array(events);
  }

  add(eventId: string): void {
    const number = eventNumber(eventId);
    if (number === undefined) this.#strangers += 1;
    else this.addNumber(number);
  }

  addNumber(number: number): void {
    const times = this.#times[number];
    if (times === undefined) {
      this.#strangers += 1;
      return;
    }
    if (times === 0) this.#distinct += 1;
    else this.#again += 1;
    this.#times[number] = Math.min(times + 1, 255);
  }

  has(number: number): boolean {
    return (this.#times[number] ?? 0) > 0;
  }

  /** The numbers of the events seen. */
  numbers(): number[] {
    return [...this.#times.keys()].filter((number) => this.has(number));
  }

  /** Events seen at least once. */
  get distinct(): number {
    return this.#distinct;
  }

  /** Sightings beyond an event's first. */
  get again(): number {
    return this.#again;
  }

  /** Ids that belong to no event of this run. */
  get strangers(): number {
    return this.#strangers;
  }

  get missing(): number {
    return this.#times.length - this.#distinct;
  }
}

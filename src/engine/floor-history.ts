/**
 * When a group's floor passed which offset, roughly: by then everything below it was settled. For who asks about a message that is
 * done. A bounded number of samples, whatever time they cover: when there are too many, every second one goes, and from then
 * on they are taken half as often.
 *
 *   12:00:01 ▶ 17     12:00:02 ▶ 40     12:00:09 ▶ 41        offset 20 was settled at 12:00:02 at the latest
 */
const samplesMax = 64;
const firstSpacingMs = 1_000;

export class FloorHistory {
  #atMs: number[] = [];
  #floors: number[] = [];
  #spacingMs = firstSpacingMs;
  /** What is below it was settled before, when and by whichever process. */
  #from: number;

  constructor(floor: number) {
    this.#from = floor;
  }

  /** Called with every commit, so it has to cost nothing nearly always. */
  note(floor: number, nowMs: number): void {
    const last = this.#floors.at(-1) ?? this.#from;
    if (floor === last) return;
    // The group was moved back: what it gets again is not settled.
    if (floor < last) this.#restart(floor);
    const lastMs = this.#atMs.at(-1) ?? -Infinity;
    // Too soon, or the wall clock was set back: the next sample says it a little later, which is true as well.
    if (nowMs < lastMs + this.#spacingMs) return;
    if (this.#floors.length >= samplesMax) this.#thin();
    this.#atMs.push(nowMs);
    this.#floors.push(floor);
  }

  /** When at the latest the offset was settled; undefined when that is not known. */
  passedByMs(offset: number): number | undefined {
    if (offset < this.#from) return undefined;
    return this.#atMs[this.#floors.findIndex((floor) => floor > offset)];
  }

  #restart(floor: number): void {
    this.#from = floor;
    this.#atMs = [];
    this.#floors = [];
    this.#spacingMs = firstSpacingMs;
  }

  /** The later one of each pair stays: what it says is true of both. */
  #thin(): void {
    const stays = (_: number, index: number): boolean => index % 2 === 1;
    this.#atMs = this.#atMs.filter(stays);
    this.#floors = this.#floors.filter(stays);
    this.#spacingMs *= 2;
  }
}

/** Rounds made of steps: what engine, yardsticks and peers have in common. */

/** Repeats `step`, which does some units of work, for about `seconds`. Units a second. */
export async function rateOf(seconds: number, step: () => number | Promise<number>): Promise<readonly number[]> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let units = 0;
  do {
    const done = step();
    units += typeof done === "number" ? done : await done;
  } while (performance.now() < end);
  return [(units / (performance.now() - start)) * 1000];
}

/** Repeats `step` for about `seconds`. Milliseconds of each. */
export async function timesOf(seconds: number, step: () => unknown): Promise<readonly number[]> {
  const end = performance.now() + seconds * 1000;
  const samples: number[] = [];
  for (let before = performance.now(); before < end;) {
    await step();
    const after = performance.now();
    samples.push(after - before);
    before = after;
  }
  return samples;
}

/** Something that is filled, which is not measured, and drained, which is. */
export interface Drained {
  fill(messages: number): Promise<void>;
  drain(messages: number): Promise<void>;
}

/** Drains for about `seconds`: how much to fill in is learned from the round before. */
export class DrainRounds {
  readonly #subject: Drained;
  #perSecond = 2_000;
  #messages = 0;

  constructor(subject: Drained) {
    this.#subject = subject;
  }

  async prepare(seconds: number): Promise<void> {
    this.#messages = Math.max(1_000, Math.ceil((this.#perSecond * seconds) / 1_000) * 1_000);
    await this.#subject.fill(this.#messages);
  }

  async round(): Promise<readonly number[]> {
    const start = performance.now();
    await this.#subject.drain(this.#messages);
    this.#perSecond = (this.#messages / (performance.now() - start)) * 1000;
    return [this.#perSecond];
  }
}

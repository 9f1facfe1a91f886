/** A named moment in background work that a test can await. One check when nobody listens. */
export class Probe<T> {
  #waiting: ((value: T) => void)[] | undefined;
  readonly #seen: T[] = [];

  hit(value: T): void {
    if (this.#waiting === undefined) return;
    const next = this.#waiting.shift();
    if (next) next(value);
    else this.#seen.push(value);
  }

  /** Tests only. Returns each hit in order, waiting when none has happened yet. Call once before the first hit to begin listening. */
  next(): Promise<T> {
    const waiting = (this.#waiting ??= []);
    if (this.#seen.length > 0) return Promise.resolve(this.#seen.shift() as T);
    return new Promise((resolve) => {
      waiting.push(resolve);
    });
  }
}

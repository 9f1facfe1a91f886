/** A map that keeps the entries used last, `max` of them, and says goodbye to the others. */
export class Recent<K, V> {
  readonly #max: number;
  readonly #drop: (value: V) => void;
  readonly #entries = new Map<K, V>();

  constructor(max: number, drop: (value: V) => void) {
    this.#max = Math.max(1, max);
    this.#drop = drop;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    // A Map keeps its insertion order: the first entry is the one not used for longest.
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    for (const oldest of this.#entries.keys()) return this.delete(oldest);
  }

  delete(key: K): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#drop(value);
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.delete(key);
  }
}

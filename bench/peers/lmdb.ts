/** Puts into LMDB under rising keys, each awaited until it is flushed to the disk. It has no queue to consume from. */
import { join } from "node:path";
import type { Contender } from "../contest.js";
import { rateOf, timesOf } from "../work.js";
import { type Lmdb, type LmdbStore, loadPeer } from "./installed.js";

export interface LmdbOptions {
  readonly values: readonly unknown[];
  readonly encoding: "binary" | "json";
  /** Puts of one turn of the event loop, which LMDB commits together. */
  readonly together: number;
  /** How many such turns wait for their flush at once. */
  readonly inFlight: number;
}

/** Messages a second; with `times`, milliseconds of each. */
export class LmdbPuts implements Contender {
  readonly name: string = "lmdb";
  readonly #options: LmdbOptions;
  readonly #times: boolean;
  #store: LmdbStore | undefined;
  #next = 0;

  constructor(options: LmdbOptions, times = false) {
    this.#options = options;
    this.#times = times;
  }

  async open(directory: string): Promise<void> {
    const library = await loadPeer<Lmdb>("lmdb");
    const { encoding } = this.#options;
    this.#store = library.open({ path: join(directory, "store"), encoding, keyEncoding: "uint32" });
  }

  async round(seconds: number): Promise<readonly number[]> {
    if (this.#times) return timesOf(seconds, () => this.#putTogether());
    const { inFlight } = this.#options;
    const lanes = Array.from({ length: inFlight }, () => rateOf(seconds, () => this.#putTogether()));
    const rates = (await Promise.all(lanes)).flat();
    return [rates.reduce((sum, each) => sum + each, 0)];
  }

  async #putTogether(): Promise<number> {
    const store = this.#store as LmdbStore;
    const { values, together } = this.#options;
    let last: Promise<boolean> | undefined;
    for (let count = 0; count < together; count++) {
      const key = this.#next++;
      last = store.put(key, values[key % values.length]);
    }
    await last;
    await store.flushed;
    return together;
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }
}

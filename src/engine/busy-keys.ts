/**
 * Which keys of a lane are busy: one message of theirs is on its way, and the later ones that were read wait behind it.
 *
 *   idle ──▶ busy: its holder is ready, leased or waiting to come back ──▶ the next one parked is its holder … ──▶ idle
 *
 * An idle key costs nothing. Busy ones are as many as messages are leased, come back, or wait behind such a one: each of the three
 * has its limit.
 */
import { ParkedList, ParkedOffsets } from "./parked-offsets.js";

export class BusyKey {
  readonly key: string;
  /** The offset of the one message that may be handed out. */
  holder: number;
  parked: ParkedList | undefined = undefined;

  constructor(key: string, holder: number) {
    this.key = key;
    this.holder = holder;
  }
}

export class BusyKeys {
  readonly #busy = new Map<string, BusyKey>();
  readonly #parked: ParkedOffsets;

  constructor(parkedBytesMax: number) {
    this.#parked = new ParkedOffsets(parkedBytesMax);
  }

  /** Messages that wait behind another one of their key, of those that were read. */
  get parked(): number {
    return this.#parked.count;
  }

  get parkedBytes(): number {
    return this.#parked.bytes;
  }

  /** Whether one more can be parked. */
  get hasRoom(): boolean {
    return this.#parked.hasRoom;
  }

  get(key: string): BusyKey | undefined {
    return this.#busy.get(key);
  }

  /** The key was idle. */
  occupy(key: string, holder: number): BusyKey {
    const busy = new BusyKey(key, holder);
    this.#busy.set(key, busy);
    return busy;
  }

  /** There must be room. */
  park(busy: BusyKey, offset: number): void {
    this.#parked.add((busy.parked ??= new ParkedList()), offset);
  }

  /** The holder is settled. Whether another message takes its place; if none does, the key is idle. */
  advance(busy: BusyKey): boolean {
    const next = busy.parked === undefined ? undefined : this.#parked.take(busy.parked);
    if (next === undefined) {
      this.#busy.delete(busy.key);
      return false;
    }
    busy.holder = next;
    return true;
  }

  clear(): void {
    this.#busy.clear();
    this.#parked.clear();
  }
}

/** The windows of one engine: made at the first id, and part of what survives. */
import type { ByteReader, ByteWriter } from "../../base/bytes.js";
import type { Clock } from "../../base/clock.js";
import type { Random } from "../../base/random.js";
import type { PageChange } from "../../log/state.js";
import { type IdWindowPlace, placeOfFile, readPlace } from "./id-codec.js";
import { IdWindow, type IdWindowLimit } from "./id-window.js";

export interface IdWindowsHome {
  readonly clock: Clock;
  readonly random: Random;
  readonly limit: IdWindowLimit;
}

const two32 = 4_294_967_296;

export class IdWindows {
  readonly #windows = new Map<string, IdWindow>();
  #home: IdWindowsHome | undefined;

  /** The log has been read: time begins. */
  begin(home: IdWindowsHome): void {
    this.#home = home;
    for (const window of this.#windows.values()) window.begin(home.clock, home.limit);
  }

  /** undefined: no id was ever seen there. */
  find(place: IdWindowPlace): IdWindow | undefined {
    return this.#windows.get(keyOf(place));
  }

  of(place: IdWindowPlace, windowMs: number): IdWindow {
    const found = this.find(place);
    if (found !== undefined) return found;
    const { clock, random, limit } = this.#home as IdWindowsHome;
    const word = (): number => Math.floor(random() * two32) | 0;
    const window = new IdWindow(place, { low: word(), high: word() }, windowMs);
    window.begin(clock, limit);
    this.#windows.set(keyOf(place), window);
    return window;
  }

  replay(body: ByteReader): IdWindow {
    const window = this.#read(body);
    window.replay(body);
    return window;
  }

  restorePage(file: string, bytes: Uint8Array): boolean {
    const found = placeOfFile(file);
    if (found === undefined) return false;
    this.find(found.place)?.restorePage(found.sequence, bytes);
    return true;
  }

  readSnapshot(body: ByteReader): void {
    for (let left = body.varint(); left > 0; left--) this.#read(body).readSnapshot(body);
  }

  writeSnapshot(body: ByteWriter): PageChange[] {
    const pages: PageChange[] = [];
    for (const window of this.#windows.values()) for (const change of window.takePages()) pages.push(change);
    const filled = [...this.#windows.values()].filter((window) => window.size > 0);
    body.varint(filled.length);
    for (const window of filled) window.writeSnapshot(body);
    return pages;
  }

  #read(body: ByteReader): IdWindow {
    const { place, seed } = readPlace(body);
    let window = this.find(place);
    if (window === undefined) this.#windows.set(keyOf(place), (window = new IdWindow(place, seed, 0)));
    return window;
  }
}

function keyOf({ purpose, owner }: IdWindowPlace): string {
  return `${purpose}-${owner}`;
}

/**
 * A text as 96 bits, under a secret of 64 bits: HalfSipHash with one round for each two characters and three for each word of the
 * result, over UTF-16. Who does not know the secret cannot choose texts that collide; the odds that two others do are 1 in 2^96.
 */

/** Two words of 32 bits. */
export interface HashSeed {
  readonly low: number;
  readonly high: number;
}

const begin = { two: 0x6c796765, three: 0x74656462 } as const;
const roundsOfWord = 3;

/** Holds the hash of the last text it was given, as three signed words: nothing is made for each. */
export class Hash96 {
  a = 0;
  b = 0;
  c = 0;
  readonly #seed: HashSeed;
  #text: string | undefined;

  constructor(seed: HashSeed) {
    this.#seed = seed;
  }

  /** Asked for the same text again, it has the answer already. */
  of(text: string): this {
    if (text === this.#text) return this;
    this.#text = text;
    const { low, high } = this.#seed;
    let v0 = low;
    let v1 = high;
    let v2 = begin.two ^ low;
    let v3 = begin.three ^ high;
    const words = (text.length + 1) >> 1;
    const endA = words + roundsOfWord;
    const endB = endA + roundsOfWord;
    const endC = endB + roundsOfWord;
    for (let step = 0; step <= endC; step++) {
      const word = step > words ? 0 : step === words ? text.length : wordAt(text, step);
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
      if (step < words) continue;
      if (step === words) v2 ^= 0xee;
      else if (step === endA) {
        this.a = v1 ^ v3;
        v1 ^= 0xdd;
      } else if (step === endB) {
        this.b = v1 ^ v3;
        v1 ^= 0xcc;
      }
    }
    this.c = v1 ^ v3;
    return this;
  }

  /** The hash itself, as it was written down: of which text is no longer known. */
  set(a: number, b: number, c: number): void {
    this.#text = undefined;
    this.a = a;
    this.b = b;
    this.c = c;
  }
}

/** Behind an odd end there is a zero: the length, which comes last, tells it from a character. */
function wordAt(text: string, step: number): number {
  const at = step << 1;
  return text.charCodeAt(at) | (at + 1 < text.length ? text.charCodeAt(at + 1) << 16 : 0);
}

/**
 * Reads source text as far as the tidy rules need it: what is code, what is comment, what is text, and what a file
 * imports. Not a parser: it knows strings, templates, comments and regular expressions, and nothing of grammar.
 */

/** Source with the insides of comments, strings, templates and regular expressions blanked; every position is kept. */
export function blank(source: string): string {
  return new Scanner(source).run();
}

/** Every module a file names: imports, re-exports, lazy imports, and files given to workers by `new URL`. */
export function importsOf(source: string): { specifier: string; lazy: boolean }[] {
  const code = blank(source);
  const found: { specifier: string; lazy: boolean }[] = [];
  for (const { pattern, lazy } of importForms) {
    for (const match of code.matchAll(pattern)) {
      const start = match.index + match[0].length;
      const end = code.indexOf(match[1] ?? '"', start);
      found.push({ specifier: source.slice(start, end), lazy });
    }
  }
  return found;
}

const importForms = [
  { pattern: /\b(?:import|export)\b[^;"'`]*?\bfrom\s*(["'])/g, lazy: false },
  { pattern: /\bimport\s*(["'])/g, lazy: false },
  { pattern: /\bimport\s*\(\s*(["'`])/g, lazy: true },
  { pattern: /\bnew URL\(\s*(["'`])/g, lazy: true },
];

/** A slash after one of these begins a regular expression; after a name, a number or a bracket it divides. */
const beforeRegularExpression = /(?:[([{,;=:!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|await|yield))$/;

class Scanner {
  readonly #source: string;
  #at = 0;
  #out = "";
  /** For each template we are inside of: how many braces are open in its current `${`. */
  readonly #braces: number[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  run(): string {
    while (this.#at < this.#source.length) this.#step();
    return this.#out;
  }

  #step(): void {
    const rest = this.#source.slice(this.#at, this.#at + 2);
    const next = rest[0] ?? "";
    if (rest === "//") this.#blankUntil(/$/m);
    else if (rest === "/*") this.#blankUntil(/\*\//, 2);
    else if (next === '"' || next === "'") this.#string(next);
    else if (next === "`") this.#template();
    else if (next === "/" && beforeRegularExpression.test(this.#out.trimEnd())) this.#regularExpression();
    else this.#code(next);
  }

  #code(next: string): void {
    const depth = this.#braces.at(-1);
    if (depth !== undefined && next === "{") this.#braces[this.#braces.length - 1] = depth + 1;
    if (depth !== undefined && next === "}") this.#braces[this.#braces.length - 1] = depth - 1;
    this.#keep(1);
    if (depth === 1 && next === "}") {
      this.#braces.pop();
      this.#templateText();
    }
  }

  #string(quote: string): void {
    this.#keep(1);
    while (this.#at < this.#source.length && this.#source[this.#at] !== quote) this.#blankCharacter();
    this.#keep(1);
  }

  #template(): void {
    this.#keep(1);
    this.#templateText();
  }

  /** Up to the closing backtick, or to a `${`: what follows that is code again. */
  #templateText(): void {
    while (this.#at < this.#source.length) {
      if (this.#source[this.#at] === "`") return this.#keep(1);
      if (this.#source.startsWith("${", this.#at)) {
        this.#braces.push(1);
        return this.#keep(2);
      }
      this.#blankCharacter();
    }
  }

  #regularExpression(): void {
    let inClass = false;
    this.#keep(1);
    while (this.#at < this.#source.length && (inClass || this.#source[this.#at] !== "/")) {
      if (this.#source[this.#at] === "[") inClass = true;
      if (this.#source[this.#at] === "]") inClass = false;
      this.#blankCharacter();
    }
    this.#keep(1);
  }

  /** One character of text; a backslash takes the next one with it. */
  #blankCharacter(): void {
    const taken = this.#source.slice(this.#at, this.#at + (this.#source[this.#at] === "\\" ? 2 : 1));
    this.#out += taken.replace(/[^\n]/g, " ");
    this.#at += taken.length;
  }

  #blankUntil(end: RegExp, endLength = 0): void {
    const found = this.#source.slice(this.#at + 2).search(end);
    const stop = found === -1 ? this.#source.length : this.#at + 2 + found + endLength;
    this.#out += this.#source.slice(this.#at, stop).replace(/[^\n]/g, " ");
    this.#at = stop;
  }

  #keep(length: number): void {
    this.#out += this.#source.slice(this.#at, this.#at + length);
    this.#at += length;
  }
}

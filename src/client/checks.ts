export interface Range {
  readonly min: number;
  readonly max: number;
}

/** @throws TypeError that names `what` when `value` is not a whole number within `range`. */
export function checkInteger(value: unknown, what: string, range: Range): asserts value is number {
  const { min, max } = range;
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw new TypeError(`${what} must be a whole number from ${min} to ${max}, not ${shown(value)}`);
}

/** @throws TypeError when `value` is none of `allowed`. */
export function checkOneOf<T extends string>(value: unknown, allowed: readonly T[], what: string): asserts value is T {
  if (allowed.includes(value as T)) return;
  throw new TypeError(`${what} must be ${allowed.map((each) => `"${each}"`).join(" or ")}, not ${shown(value)}`);
}

/** @throws TypeError when `options` is no object, or has an option nobody knows: a typo must not pass for a default. */
export function checkOptions(options: unknown, known: ReadonlySet<string>, what: string): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new TypeError(`${what}: the options must be an object, not ${shown(options)}`);
  for (const name in options) {
    if (!known.has(name))
      throw new TypeError(`${what}: there is no option "${name}"; there are ${[...known].join(", ")}`);
  }
}

/** A value as a message can show it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}

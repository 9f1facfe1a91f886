/** The parts of the program that report what they have done, in the order they are shown. */
export const parts = ["intake", "audit", "metrics", "notify", "mail", "pager", "chat"] as const;
export type Part = (typeof parts)[number];

/** What the ephemeral topic `ticker` carries: `count` more were done by `part`. Missing one harms nothing but the display. */
export interface Tick {
  readonly part: Part;
  readonly count: number;
  /** Deliveries among them that had failed before, or were turned away now. */
  readonly retries?: number;
  readonly latest?: string;
}

/** What one look at the running program shows. */
export interface Snapshot {
  readonly elapsedMs: number;
  readonly events: number;
  readonly done: Readonly<Record<Part, number>>;
  readonly perSecond: Readonly<Record<Part, number>>;
  /** Messages that the group has not settled yet. */
  readonly lag: Readonly<Record<"audit" | "metrics" | "notify" | "pager" | "chat", number>>;
  readonly mail: {
    readonly ready: number;
    readonly inFlight: number;
    readonly delayed: number;
    readonly dead: number;
    readonly retries: number;
  };
  readonly latest: string;
}

/** Rates are taken over this long: short enough to follow, long enough not to flicker. */
const rateWindowMs = 2_000;

/** Adds up the ticks of the parts, and knows how fast each goes. */
export class Progress {
  readonly done: Record<Part, number> = zeros();
  retries = 0;
  latest = "";
  readonly #samples: { readonly atMs: number; readonly done: Record<Part, number> }[] = [];

  add(tick: Tick): void {
    this.done[tick.part] += tick.count;
    this.retries += tick.retries ?? 0;
    if (tick.latest !== undefined) this.latest = tick.latest;
  }

  /** Call it each time the display is drawn. */
  perSecond(nowMs: number): Record<Part, number> {
    this.#samples.push({ atMs: nowMs, done: { ...this.done } });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) >= rateWindowMs) this.#samples.shift();
    const oldest = this.#samples[0];
    const rates = zeros();
    if (oldest === undefined || oldest.atMs >= nowMs) return rates;
    for (const part of parts) rates[part] = ((this.done[part] - oldest.done[part]) * 1_000) / (nowMs - oldest.atMs);
    return rates;
  }
}

function zeros(): Record<Part, number> {
  return { intake: 0, audit: 0, metrics: 0, notify: 0, mail: 0, pager: 0, chat: 0 };
}

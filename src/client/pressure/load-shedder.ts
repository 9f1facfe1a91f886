import type { Clock, Timer } from "../../base/clock.js";
import { systemClock } from "../../base/clock.js";
import { durationMs } from "../../base/duration.js";
import type { Duration } from "../../base/duration.js";
import { hasCode } from "../../base/errors.js";
import type { ChannelReference } from "../admin.js";
import { checkOptions, shown } from "../checks.js";
import { defaults } from "../defaults.js";
import type { Millrace } from "../millrace.js";
import type { Pressure } from "./pressure.js";
import { completeRules, reliefMs, shedFor } from "./shedding.js";
import type { Rule, ShedReason, Thresholds } from "./shedding.js";

export interface LoadShedderOptions extends Thresholds {
  readonly channel: ChannelReference;
  /** Streams and durable topics: whose pressure counts. Default: the group that is furthest behind. */
  readonly group?: string | undefined;
  /** How often the pressure is looked at. Default "1s". A request costs nothing but the look at a flag. */
  readonly every?: Duration | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** What a response has to have: that of Node's http does, and so do those of Express, Connect, Polka and others. */
export interface SheddableResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** Keeps requests out while a channel cannot keep up. Itself a middleware: `app.use(shedder)`. */
export interface LoadShedder {
  /** Answers 503 with Retry-After while there is too much to be done; else calls `next`. */
  (request: unknown, response: SheddableResponse, next: () => void): void;
  /** Whether more should be taken in now. For frameworks that have middlewares of another shape. */
  admits(): boolean;
  /** What it sheds for now; empty while it admits. */
  readonly reasons: readonly ShedReason[];
  /** What Retry-After says, in whole seconds. */
  readonly retryAfterSeconds: number;
  /** What it saw last; undefined before the first look. */
  readonly pressure: Pressure | undefined;
  /** Requests it has turned away. */
  readonly shed: number;
  /** Looks now, not only when it is time. Rejects when it cannot; then it admits, because it does not know better. */
  look(): Promise<void>;
  /** Looks no more, and admits. It ends by itself when its Millrace is closed. */
  close(): void;
}

const known = new Set(["channel", "group", "every", "clock", "depth", "oldest", "wait"]);

/**
 * Sheds load at the edge of a service, before it costs anything: by depth, by the age of the oldest message, or by how long a message sent
 * now is going to wait. @throws TypeError for wrong options.
 */
export function loadShedder(mill: Millrace, options: LoadShedderOptions): LoadShedder {
  checkOptions(options, known, "loadShedder");
  if (typeof mill?.admin?.pressure !== "function")
    throw new TypeError(`loadShedder takes a Millrace first, not ${shown(mill)}`);
  const everyMs = durationMs(options.every ?? defaults.shedder.everyMs, "loadShedder: every");
  if (everyMs === 0) throw new TypeError("loadShedder: every must be more than 0");
  const { channel, group, clock = systemClock } = options;
  const measure = (): Promise<Pressure> => mill.admin.pressure(channel, { group });
  const watch = new PressureWatch(measure, { rules: completeRules(options, "loadShedder"), everyMs, clock });
  watch.start();
  const middleware = (_request: unknown, response: SheddableResponse, next: () => void): void => {
    if (watch.admits()) return next();
    response.statusCode = 503;
    response.setHeader("Retry-After", String(watch.retryAfterSeconds));
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    response.end("too much is waiting to be done: try again later\n");
  };
  return Object.defineProperties(middleware, {
    admits: { value: () => watch.admits() },
    reasons: { get: () => [...watch.reasons] },
    retryAfterSeconds: { get: () => watch.retryAfterSeconds },
    pressure: { get: () => watch.pressure },
    shed: { get: () => watch.shed },
    look: { value: () => watch.look() },
    close: { value: () => watch.close() },
  }) as LoadShedder;
}

/** Looks at a pressure now and then, and knows what it means. */
class PressureWatch {
  readonly #measure: () => Promise<Pressure>;
  readonly #rules: readonly Rule[];
  readonly #everyMs: number;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #closed = false;
  reasons: ReadonlySet<ShedReason> = new Set();
  pressure: Pressure | undefined;
  shed = 0;

  constructor(
    measure: () => Promise<Pressure>,
    how: { readonly rules: readonly Rule[]; readonly everyMs: number; readonly clock: Clock },
  ) {
    this.#measure = measure;
    this.#rules = how.rules;
    this.#everyMs = how.everyMs;
    this.#clock = how.clock;
  }

  get retryAfterSeconds(): number {
    const { minS, maxS, unknownS } = defaults.shedder.retryAfter;
    const ms = this.pressure === undefined ? undefined : reliefMs(this.#rules, this.pressure);
    return ms === undefined ? unknownS : Math.min(maxS, Math.max(minS, Math.ceil(ms / 1_000)));
  }

  admits(): boolean {
    if (this.reasons.size === 0) return true;
    this.shed += 1;
    return false;
  }

  start(): void {
    // When it cannot be measured, it admits: the send itself will tell.
    void this.look()
      .catch(() => {})
      .then(() => {
        if (this.#closed) return;
        this.#timer = this.#clock.after(this.#everyMs, () => this.start());
      });
  }

  async look(): Promise<void> {
    try {
      const pressure = await this.#measure();
      if (this.#closed) return;
      this.pressure = pressure;
      this.reasons = shedFor(this.#rules, this.reasons, pressure);
    } catch (error) {
      this.reasons = new Set();
      if (hasCode(error, "CLOSED")) this.close();
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.reasons = new Set();
  }
}

import type { Timer } from "../../base/clock.js";
import { durationMs } from "../../base/duration.js";
import { checkOptions, shown } from "../checks.js";
import { defaults } from "../defaults.js";
import type { Environment } from "../environment.js";
import { completeRules } from "./alert-rule.js";
import type { AlertRule, CompleteRule } from "./alert-rule.js";
import { AlertState } from "./alert-state.js";
import type { Turn } from "./alert-state.js";
import type { Alert, AlertOptions, Alerts } from "./alerts.js";
import { Measurement } from "./measure.js";
import type { Measured, WatchedConsumer } from "./measure.js";
import { Webhook } from "./webhook.js";
import type { Post } from "./webhook.js";

interface Watched {
  readonly rule: CompleteRule;
  readonly state: AlertState;
  measured: Measured;
  sinceMs: number;
  /** The look that saw it last. */
  look: number;
}

export interface AlertWatchParts {
  readonly environment: Environment;
  readonly consumers: () => Iterable<WatchedConsumer>;
  readonly post: Post;
  /** Told once it has been closed. */
  readonly closed: () => void;
}

const known = new Set(["every", "notify", "webhook"]);

/** Looks at what rules watch, every so often, and tells once of what fires and once of what is over. */
export class AlertWatch implements Alerts {
  readonly #parts: AlertWatchParts;
  readonly #rules: readonly CompleteRule[];
  readonly #everyMs: number;
  readonly #notify: AlertOptions["notify"];
  readonly #webhook: Webhook | undefined;
  /** What is pending or firing, by rule, channel and group: the rest is not remembered. */
  readonly #watched = new Map<string, Watched>();
  #dropped: ReadonlyMap<string, number> | undefined;
  #looks = 0;
  #timer: Timer | undefined;
  #checking: Promise<void> | undefined;
  #isFull = false;
  #closed = false;

  /** @throws TypeError when the rules or options are wrong. */
  constructor(rules: readonly AlertRule[], options: AlertOptions, parts: AlertWatchParts) {
    checkOptions(options, known, "admin.alerts");
    const { every = defaults.alerts.everyMs, notify, webhook } = options;
    const { clock, random, logger } = parts.environment;
    this.#rules = completeRules(rules);
    this.#everyMs = durationMs(every, "admin.alerts: every");
    if (this.#everyMs === 0) throw new TypeError("admin.alerts: every must be more than 0");
    if (notify !== undefined && typeof notify !== "function")
      throw new TypeError(`admin.alerts: notify must be a function, not ${shown(notify)}`);
    this.#notify = notify;
    this.#webhook = webhook && new Webhook(webhook, { clock, random, logger, post: parts.post });
    this.#parts = parts;
    this.#wait();
  }

  firing(): readonly Alert[] {
    const firing = [...this.#watched.values()].filter(({ state }) => state.isFiring);
    return firing.sort((one, other) => one.sinceMs - other.sinceMs).map((each) => alertOf(each, "firing"));
  }

  check(): Promise<void> {
    return (this.#checking ??= this.#look().finally(() => (this.#checking = undefined)));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#webhook?.close();
    this.#parts.closed();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #wait(): void {
    if (this.#closed) return;
    this.#timer = this.#parts.environment.clock.after(this.#everyMs, () => {
      void this.check().finally(() => this.#wait());
    });
  }

  async #look(): Promise<void> {
    const { environment, consumers } = this.#parts;
    const { driver, clock, logger } = environment;
    this.#looks += 1;
    const measurement = new Measurement({ admin: driver.admin, clock, consumers }, this.#dropped);
    const failed = new Set<CompleteRule>();
    for (const rule of this.#rules) {
      try {
        for (const measured of await measurement.of(rule)) this.#see(rule, measured);
      } catch (error) {
        failed.add(rule);
        if (!this.#closed) logger.warn({ rule: rule.name, error }, "an alert's rule could not be looked at");
      }
    }
    this.#dropped = measurement.dropped;
    // What is not there any more is not above anything; what could not be looked at stays as it was.
    for (const watched of [...this.#watched.values()]) {
      if (watched.look === this.#looks || failed.has(watched.rule)) continue;
      this.#see(watched.rule, { ...watched.measured, value: 0 });
    }
  }

  #see(rule: CompleteRule, measured: Measured): void {
    if (this.#closed) return;
    const name = `${rule.name}/${measured.channel}/${measured.group}`;
    const watched = this.#watched.get(name) ?? this.#begin(name, rule, measured);
    if (watched === undefined) return;
    const { clock } = this.#parts.environment;
    watched.measured = measured;
    watched.look = this.#looks;
    const turn = watched.state.see(measured.value, clock.monotonicMs());
    if (turn === "fired") watched.sinceMs = clock.nowMs();
    if (turn !== undefined) this.#tell(watched, turn);
    if (watched.state.isQuiet) this.#watched.delete(name);
  }

  /** Undefined where there is nothing to remember, or no room. */
  #begin(name: string, rule: CompleteRule, measured: Measured): Watched | undefined {
    if (measured.value <= rule.above) return undefined;
    const wasFull = this.#isFull;
    this.#isFull = this.#watched.size >= defaults.alerts.watchedMax;
    if (this.#isFull) {
      const fields = { limit: "watchedMax", most: defaults.alerts.watchedMax };
      if (!wasFull) this.#parts.environment.logger.warn(fields, "more alerts than are told apart: a limit is reached");
      return undefined;
    }
    const watched = { rule, state: new AlertState(rule), measured, sinceMs: 0, look: 0 };
    this.#watched.set(name, watched);
    return watched;
  }

  #tell(watched: Watched, turn: Exclude<Turn, undefined>): void {
    const alert = alertOf(watched, turn === "fired" ? "firing" : "resolved");
    const { logger } = this.#parts.environment;
    if (turn === "fired") logger.error({ ...alert }, `alert: ${alert.rule}`);
    else logger.info({ ...alert }, `resolved: ${alert.rule}`);
    this.#webhook?.tell(alert);
    const notify = this.#notify;
    if (notify === undefined) return;
    // Begun apart, so that it holds up nothing, and whatever it throws is caught.
    void Promise.resolve()
      .then(() => notify(alert))
      .catch((error: unknown) => logger.error({ error, rule: alert.rule }, "an alert's notify failed"));
  }
}

function alertOf({ rule, measured, sinceMs }: Watched, state: Alert["state"]): Alert {
  const { channel, group, value } = measured;
  const since = new Date(sinceMs).toISOString();
  return { state, rule: rule.name, when: rule.when, channel, group, value, above: rule.above, since };
}

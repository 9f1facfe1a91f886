import type { Clock } from "../../base/clock.js";
import { sleep } from "../../base/clock.js";
import { durationMs } from "../../base/duration.js";
import type { Duration } from "../../base/duration.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import { delayMs, exponential } from "../backoff.js";
import { checkInteger, checkOptions, shown } from "../checks.js";
import { bounds, defaults } from "../defaults.js";
import { describeError } from "../dead-letter.js";

/** Where to POST alerts to, as JSON. */
export interface WebhookOptions {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long one attempt may take. Default "10s". */
  readonly timeout?: Duration | undefined;
  /** How often it is tried, with pauses that grow from one second to a minute. Default 5. */
  readonly attempts?: number | undefined;
}

/** What `fetch` is asked for here. */
export type Post = (
  url: string,
  request: {
    readonly method: "POST";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly signal: AbortSignal;
  },
) => Promise<{ readonly ok: boolean; readonly status: number }>;

const known = new Set(["url", "headers", "timeout", "attempts"]);
const pauses = exponential("1s", "1m");

export interface WebhookParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly post: Post;
}

/**
 * Posts one alert after the other, so that what resolved is told after it fired. Nothing waits for it: what cannot be told within
 * its attempts is logged and let go, and so is the oldest when too many wait.
 */
export class Webhook {
  readonly #options: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly attempts: number;
    readonly timeoutMs: number;
  };
  readonly #parts: WebhookParts;
  readonly #waiting: unknown[] = [];
  #isBusy = false;
  #closed = false;
  /** Ends the attempt under way. */
  #ending: AbortController | undefined;

  /** @throws TypeError when the options are wrong. */
  constructor(options: WebhookOptions, parts: WebhookParts) {
    const what = "admin.alerts: webhook";
    checkOptions(options, known, what);
    const { url, headers = {}, timeout = defaults.alerts.webhookTimeoutMs, attempts = defaults.attempts } = options;
    if (typeof url !== "string" || !/^https?:/.test(url) || !URL.canParse(url))
      throw new TypeError(`${what}.url must be an address that begins with http: or https:, not ${shown(url)}`);
    checkInteger(attempts, `${what}.attempts`, bounds.attempts);
    this.#options = { url, headers, attempts, timeoutMs: durationMs(timeout, `${what}.timeout`) };
    this.#parts = parts;
  }

  tell(alert: unknown): void {
    if (this.#closed) return;
    this.#waiting.push(alert);
    if (this.#waiting.length > defaults.alerts.webhookWaitingMax) {
      this.#waiting.shift();
      this.#parts.logger.warn({ url: this.#options.url }, "an alert was not posted: too many wait for the webhook");
    }
    if (!this.#isBusy) void this.#postAll();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#ending?.abort(new Error("closed"));
  }

  async #postAll(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await this.#post(next);
    this.#isBusy = false;
  }

  async #post(alert: unknown): Promise<void> {
    const { clock, random, logger } = this.#parts;
    const { url, attempts } = this.#options;
    for (let attempt = 1; !this.#closed; attempt++) {
      const failure = await this.#try(JSON.stringify(alert));
      if (failure === undefined || this.#closed) return;
      if (attempt >= attempts) {
        logger.error({ url, attempts, failure }, "an alert could not be posted to its webhook");
        return;
      }
      await sleep(clock, delayMs(pauses, attempt, random()));
    }
  }

  /** What went wrong, if something did. */
  async #try(body: string): Promise<string | undefined> {
    const { url, timeoutMs } = this.#options;
    const headers = { "content-type": "application/json", ...this.#options.headers };
    const ending = new AbortController();
    this.#ending = ending;
    const timer = this.#parts.clock.after(timeoutMs, () => ending.abort(new Error(`no answer in ${timeoutMs} ms`)));
    try {
      const { ok, status } = await this.#parts.post(url, { method: "POST", headers, body, signal: ending.signal });
      return ok ? undefined : `status ${status}`;
    } catch (error) {
      return describeError(error).message;
    } finally {
      timer.cancel();
    }
  }
}

import { durationMs } from "../base/duration.js";
import type { Duration } from "../base/duration.js";
import { checkBackoff } from "./backoff.js";
import type { Backoff } from "./backoff.js";
import { checkInteger, checkOptions, shown } from "./checks.js";
import { bounds, defaults } from "./defaults.js";

/** When failures are taken for an outage of something that every message needs, and not for poison. */
export interface OutageOptions {
  /** The share of the last messages that failed with the same error, more than 0 to 1. Default 0.8. */
  readonly share?: number | undefined;
  /** How many messages are looked back on; fewer than that are never enough. Default 20. */
  readonly samples?: number | undefined;
  /** Failures longer ago do not count. Default "10m". */
  readonly within?: Duration | undefined;
  /** For how long failures are not counted. After that they are, so that nothing is tried for ever. Default "1d". */
  readonly spares?: Duration | undefined;
  /** The pauses between the single messages that are tried meanwhile. Default `exponential("1s", "30s")` with full jitter. */
  readonly probe?: Backoff | undefined;
}

export interface OutageRule {
  readonly share: number;
  readonly samples: number;
  readonly withinMs: number;
  readonly sparesMs: number;
  readonly probe: Backoff;
}

const known = new Set(["share", "samples", "within", "spares", "probe"]);

/** @throws TypeError when the options are wrong. Undefined: outages are not looked for. */
export function completeOutage(options: OutageOptions | false | undefined, what: string): OutageRule | undefined {
  if (options === false) return undefined;
  const { outage } = defaults;
  if (options === undefined) return outage;
  checkOptions(options, known, what);
  const { spares = outage.sparesMs } = options;
  const { share = outage.share, samples = outage.samples, within = outage.withinMs, probe = outage.probe } = options;
  if (typeof share !== "number" || !(share > 0 && share <= 1))
    throw new TypeError(`${what}.share must be more than 0 and at most 1, not ${shown(share)}`);
  checkInteger(samples, `${what}.samples`, bounds.outageSamples);
  checkBackoff(probe, `${what}.probe`);
  const spans = { withinMs: durationMs(within, `${what}.within`), sparesMs: durationMs(spares, `${what}.spares`) };
  return { share, samples, ...spans, probe };
}

import { onTestFinished } from "vitest";
import { open } from "../../src/index.js";
import type { Logger, Millrace } from "../../src/index.js";
import { FakeDriver } from "./fake-driver.js";
import { ManualClock } from "./manual-clock.js";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface World {
  readonly mill: Millrace;
  readonly driver: FakeDriver;
  readonly clock: ManualClock;
  readonly log: LogLine[];
}

/** A Millrace on a fake broker, on a clock of its own, with the longest pause jitter can give. */
export async function world(options: ConstructorParameters<typeof FakeDriver>[1] = {}): Promise<World> {
  const clock = new ManualClock();
  const driver = new FakeDriver(clock, options);
  const log: LogLine[] = [];
  const mill = await open(driver, { clock, logger: recorder(log), random: () => 0.999_999_999 });
  onTestFinished(async () => {
    const closed = mill.close({ drain: 0 }).catch(() => {});
    // A source that does not answer is waited for for a while.
    await clock.advance(30_000);
    await closed;
  });
  return { mill, driver, clock, log };
}

function recorder(log: LogLine[]): Logger {
  const at = (level: LogLine["level"]) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void log.push({ level, fields, message });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

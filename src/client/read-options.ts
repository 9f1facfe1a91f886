import type { Driver, DriverReadOptions } from "../driver.js";
import type { Channel } from "./channel.js";
import { checkInteger, checkOptions } from "./checks.js";
import { checkPosition } from "./handling.js";
import type { ReadOptions } from "./reader.js";
import { checkSignal } from "./send-options.js";
import { requireAbility } from "./support.js";

const known = new Set(["from", "until", "partition", "signal"]);

/** @throws TypeError for wrong options or another kind of channel; MillraceError NOT_SUPPORTED, ABORTED. */
export function completeReadOptions<T>(channel: Channel<T>, options: ReadOptions, driver: Driver): DriverReadOptions {
  const what = `read ${channel.kind} "${channel.name}"`;
  if (channel.kind !== "stream") {
    throw new TypeError(
      `${what}: only a stream has a history to read; to look into a ${channel.kind} without changing it, use admin.peek`,
    );
  }
  checkOptions(options, known, what);
  requireAbility(driver, "replay", { channel, option: "read" });
  const { from = "earliest", until, partition, signal } = options;
  checkPosition(from, `${what}: from`);
  if (until !== undefined && until !== "end") checkUntil(until, what);
  if (partition !== undefined)
    checkInteger(partition, `${what}: partition`, { min: 0, max: channel.spec.partitions - 1 });
  const offsets = [from, until].some((each) => typeof each === "bigint");
  if (offsets && partition === undefined && channel.spec.partitions > 1) {
    throw new TypeError(`${what}: an offset is a place in one partition: say which one`);
  }
  if (signal !== undefined) checkSignal(signal, what);
  return { from, until, partition, signal };
}

function checkUntil(until: unknown, what: string): void {
  if (until === "earliest" || until === "latest")
    throw new TypeError(`${what}: until must be "end", a Date or an offset`);
  checkPosition(until, `${what}: until`);
}

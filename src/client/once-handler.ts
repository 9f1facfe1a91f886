import { shown } from "./checks.js";
import type { HeldDelivery } from "./held-delivery.js";
import type { Once } from "./once.js";
import { later } from "./settlement.js";
import type { Settlement } from "./settlement.js";

type Result = Settlement | void | Promise<Settlement | void>;

/** A handler as a runner calls it. */
export type HeldHandler<T> = (value: T, held: HeldDelivery<T>) => Result;

/** How long a message waits while another one with its key is at work. */
const takenMs = 250;

const keyLengthMax = 1_000;

/** Calls the handler once for each key: what was done before is done. */
export function onceHandler<T>(handler: HeldHandler<T>, once: Once<T>): HeldHandler<T> {
  if (once.kind === "store") return (value, held) => inStore(once, held, () => handler(value, held));
  return (value, held) => {
    const mark = { key: keyOf(once, held), keepMs: once.keepMs };
    const claim = held.claim(mark);
    if (claim === "done") return undefined;
    if (claim === "taken") return later(takenMs, "another message with its key is being handled", { free: true });
    held.mark = mark;
    return handler(value, held);
  };
}

/** What undoes the store's transaction without a failure: the handler has said what is to become of the message. */
class NotDone extends Error {
  override readonly name = "NotDone";
  readonly result: Settlement;

  constructor(result: Settlement) {
    super("the handler did not do it this time");
    this.result = result;
  }
}

async function inStore<T>(
  once: Extract<Once<T>, { kind: "store" }>,
  held: HeldDelivery<T>,
  handle: () => Result,
): Promise<Settlement | void> {
  let notDone: NotDone | undefined;
  const effect = async (): Promise<void> => {
    const result = await handle();
    if (result !== undefined && result.kind !== "done") throw (notDone = new NotDone(result));
    if (held.staging === undefined) return;
    throw new TypeError(
      "a handler with a store of its own for once cannot send through its delivery: that commits with the settlement, and a crash between the two would lose it; send with mill.send and an id, or use once: { by, keep }",
    );
  };
  try {
    await once.store.once(keyOf(once, held), effect);
  } catch (error) {
    if (notDone === undefined) throw error;
  }
  return notDone?.result;
}

function keyOf<T>(once: Once<T>, held: HeldDelivery<T>): string {
  const key: unknown = once.by(held.message);
  if (typeof key === "string" && key !== "" && key.length <= keyLengthMax) return key;
  throw new TypeError(`once.by must return a string of 1 to ${keyLengthMax} characters, not ${shown(key)}`);
}

import type { Admin, Channel, Millrace } from "../../src/index.js";
import { MillraceError, queue } from "../../src/index.js";
import type { Open } from "../../src/cli/call.js";

/** A Millrace that can do only what a test gives it; anything else it is asked for fails the test. */
export function fakeMillrace(does: Partial<Omit<Millrace, "admin">> & { readonly admin?: Partial<Admin> }): Millrace {
  const { admin, ...rest } = does;
  return only({ close: async () => {}, ...rest, admin: only(admin ?? {}, "admin.") }, "") as Millrace;
}

function only(does: object, prefix: string): unknown {
  return new Proxy(does, {
    get(target, name) {
      const found = Reflect.get(target, name) as unknown;
      if (found !== undefined || typeof name === "symbol" || name === "then") return found;
      throw new Error(`the command line used ${prefix}${name}, which this test does not give`);
    },
  });
}

export function opening(mill: Millrace): Open {
  return () => Promise.resolve(mill);
}

/** An admin that knows these queues by name. */
export function knowing(...names: readonly string[]): Pick<Admin, "channel" | "channels"> {
  return {
    channel: async <T>(name: string, codec?: Channel<T>["codec"]) => {
      if (names.includes(name)) return queue<T>(name, { codec });
      throw new MillraceError("CHANNEL_UNKNOWN", `there is no channel ${name}`);
    },
    channels: async () => names.map((name) => ({ name, kind: "queue", durable: true, partitions: 1 })),
  };
}

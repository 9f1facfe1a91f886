import { describe, expect, test } from "vitest";
import { differs, refuseMismatch, type ChannelSpec } from "../../src/engine/channel-spec.js";
import { Catalog, channelEntry } from "../../src/engine/meta.js";
import { hasCode } from "../../src/base/errors.js";

const spec: ChannelSpec = {
  kind: "stream",
  name: "events",
  partitions: 4,
  durable: true,
  retention: { timeMs: 1000, bytes: Infinity },
  capacity: { messages: Infinity, bytes: Infinity, whenFull: "block" },
  order: "none",
  priorities: 1,
  dedupMs: undefined,
  expiresMs: undefined,
  compact: false,
  native: undefined,
};

/** As an entry comes back from the disk. */
const stored = (entry: unknown): unknown => JSON.parse(JSON.stringify(entry));

describe("the catalog", () => {
  test("gives back a channel's settings as they were declared", () => {
    const catalog = new Catalog();
    catalog.apply(stored(channelEntry(catalog.nextId(), spec)));
    expect(catalog.channel("events")).toMatchObject({ id: 1, spec });
  });

  test("takes a second entry of a channel for its new settings", () => {
    const catalog = new Catalog();
    catalog.apply(stored(channelEntry(1, spec)));
    catalog.apply(stored(channelEntry(1, { ...spec, partitions: 6 })));
    expect(catalog.channel("events")?.spec.partitions).toBe(6);
    expect(catalog.size).toBe(1);
  });

  test("never gives a number twice, not even one whose owner was lost", () => {
    const catalog = new Catalog();
    catalog.apply(stored(channelEntry(7, spec)));
    expect(catalog.nextId()).toBe(8);
    catalog.reserveId(20);
    expect(catalog.nextId()).toBe(21);
    catalog.apply({ entry: "group", id: 30, channel: 99, name: "of a lost channel", starts: [0] });
    expect(catalog.nextId()).toBe(31);
  });

  test("makes a queue's only group with the queue", () => {
    const catalog = new Catalog();
    catalog.apply(stored(channelEntry(3, { ...spec, kind: "queue", name: "work", partitions: 1 })));
    expect(catalog.channel("work")?.groups.get("")).toEqual({ id: 3, name: "", starts: [0] });
  });

  test("refuses an entry of a newer release instead of taking it for damage", () => {
    const error = (() => {
      try {
        new Catalog().apply({ entry: "schema", id: 1 });
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(hasCode(error, "LOG_VERSION_UNSUPPORTED")).toBe(true);
  });
});

describe("a second declaration", () => {
  test.for([
    ["kind", { kind: "topic" }],
    ["durable", { durable: false }],
    ["order", { order: "per-key" }],
    ["priorities", { priorities: 3 }],
    ["compact", { compact: true }],
    ["partitions", { partitions: 3 }],
  ] as const)("cannot change %s", ([setting, change]) => {
    expect(() => refuseMismatch(spec, { ...spec, ...change })).toThrow(setting);
  });

  test.for([
    ["retention", { retention: { timeMs: 5, bytes: 6 } }],
    ["capacity", { capacity: { messages: 5, bytes: 6, whenFull: "reject" } }],
    ["partitions", { partitions: 5 }],
    ["dedupMs", { dedupMs: 5 }],
    ["expiresMs", { expiresMs: 5 }],
  ] as const)("may change %s", ([, change]) => {
    expect(() => refuseMismatch(spec, { ...spec, ...change })).not.toThrow();
    expect(differs(spec, { ...spec, ...change })).toBe(true);
  });

  test("that says the same is no change, whatever it passes to the broker", () => {
    expect(differs(spec, { ...spec, native: { any: 1 } })).toBe(false);
  });
});

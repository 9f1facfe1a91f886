/** Names from outside: refused when they are none, and never a path when they are. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, queue, silentLogger, stream, topic } from "../../src/index.js";
import { everywhere, openAt, ownDirectory, refusal } from "./place.js";

const noNames: readonly (readonly [string, unknown])[] = [
  ["empty", ""],
  ["300 characters", "x".repeat(300)],
  ["../x", "../x"],
  ["a path", "a/b"],
  ["a Windows path", "a\\b"],
  [".", "."],
  ["..", ".."],
  ["a NUL", "a\0b"],
  ["a line break at its end", "orders\n"],
  ["a space", "my orders"],
  ["an emoji", "orders-😀"],
  ["an accent", "commandé"],
  ["half a character", "\ud83d"],
  ["undefined", undefined],
  ["null", null],
  ["a number", 7],
];

const kinds = { queue, stream, topic } as const;

describe("of a channel", () => {
  for (const [kind, declare] of Object.entries(kinds)) {
    test.for(noNames)(`${kind}: %s is refused, showing it and what a name is`, ([, name]) => {
      expect(() => declare(name as string)).toThrow(TypeError);
      expect(() => declare(name as string)).toThrow(
        typeof name !== "string"
          ? /the name must be a string, not/
          : name.length > 249
            ? /300 characters, over the 249/
            : /is not a name; use 1 to 249 letters, digits, /,
      );
    });
  }

  test("one that is kept for dead letters is refused, saying how to look at them", () => {
    expect(() => queue("emails.dead")).toThrow(/kept for dead letters; look at those of a channel with admin\.dead/);
  });
});

describe("of a group or a member", () => {
  const ignore = (): void => {};
  const events = stream<number>("events");

  test.for(everywhere(noNames.filter(([, name]) => name !== undefined)))(
    "in %s: %s is refused, and there is no group",
    async ([place, , name]) => {
      const mill = await openAt(place);
      await mill.send(events, 1);
      const group = name as string;
      for (const call of [
        () => mill.handle(events, ignore, { group }),
        () => mill.handle(events, ignore, { group: "g", member: group }),
      ]) {
        expect(await refusal(call)).toBeInstanceOf(TypeError);
      }
      expect(await refusal(() => mill.admin.lag(events, group === "" ? "." : group))).toBeInstanceOf(TypeError);
      expect(await refusal(() => mill.admin.dead(events, { group }))).toBeInstanceOf(TypeError);
      expect(await mill.admin.groups(events)).toEqual([]);
    },
  );

  test("one whose dead letters could have no name is refused", async () => {
    const mill = await openAt("memory:");
    expect(await refusal(() => mill.handle(events, ignore, { group: "x".repeat(240) }))).toMatchObject({
      name: "TypeError",
      message: expect.stringMatching(/the dead letters of group .* over the 249 it may have/) as string,
    });
  });
});

test.for(everywhere(noNames))("in %s: looking for a channel named %s is refused", async ([place, , name]) => {
  const mill = await openAt(place);
  const { admin } = mill;
  const looks: readonly ((name: string) => Promise<unknown>)[] = [
    (channel) => admin.stats(channel),
    (channel) => admin.describe(channel),
    (channel) => admin.groups(channel),
    (channel) => admin.channel(channel),
    (channel) => admin.peek(channel),
  ];
  for (const look of looks) {
    expect(await refusal(() => look(name as string))).toBeInstanceOf(TypeError);
  }
});

test("names that a file system would trip over are names, and none of them becomes a path", async () => {
  const where = join(ownDirectory(), "data");
  const names = [
    "CON",
    "nul.txt",
    "-rf",
    "...",
    "~",
    "LOCK",
    "meta",
    "checkpoint.0",
    "x".repeat(249),
    "a.b",
    "A",
    "a",
  ].filter((name) => name !== "~");
  const mill = await open(where, { logger: silentLogger });
  for (const name of names) await mill.send(queue<string>(name), name);
  await mill.close();
  const stored = readdirSync(where, { recursive: true, encoding: "utf8" });
  expect(
    stored.filter(
      (path) =>
        !/^(?:checkpoint\.[01]|reserve|meta(?:\/[ab])?|wal(?:\/\d+\.wal)?|[tg](?:\/[\d/]+(?:\/\d+\.\w+)?)?)$/.test(
          path,
        ),
    ),
  ).toEqual([]);
  const again = await open(where, { logger: silentLogger });
  expect((await again.admin.channels()).map((each) => each.name).toSorted()).toEqual(names.toSorted());
  for (const name of names) expect(await again.admin.peek<string>(name)).toMatchObject([{ value: name }]);
  await again.close();
});

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { figures } from "../../bench/figures/index.js";
import { choose, parseOptions } from "../../bench/options.js";

/** Figure, line, what must hold, and what we are after: as promised in docs/design/performance.md. */
const promised = [
  ["send-all", "send-all", "ratio", 0.7, 1.5],
  ["send", "send", "ratio", 0.4, 0.8],
  ["send-json", "send-json", "ratio", 0.2, 0.3],
  ["send-all-1kb", "send-all-1kb", "ratio", 0.6, 1.2],
  ["handle", "handle", "ratio", 0.25, 0.5],
  ["handle-batch", "handle-batch", "ratio", 0.5, 1],
  ["read", "read", "ratio", 0.3, 0.5],
  ["send-latency", "send-latency-p50", "ratio", 2, 1.3],
  ["send-latency", "send-latency-p99", "ratio", 4, 2],
  ["many-queues", "many-queues", "ratio", 0.5, 0.8],
  ["backlog", "backlog-memory", "value", 150, 50],
  ["backlog", "backlog-open", "value", 2, 0.5],
  ["per-key", "per-key", "ratio", 0.5, 0.8],
  ["priorities", "priorities", "ratio", 0.5, 0.8],
  ["delayed-send", "delayed-send", "ratio", 0.5, 0.8],
  ["delayed-firing", "delayed-firing", "ratio", 0.5, 0.8],
  ["dedup", "dedup", "ratio", 0.5, 0.8],
  ["capacity-block", "capacity-block", "ratio", 0.5, 0.8],
  ["capacity-drop", "capacity-drop", "ratio", 0.5, 0.8],
  ["groups", "groups", "ratio", 0.5, 0.8],
  ["delayed-memory", "delayed-memory", "value", 100, 50],
  ["dedup-memory", "dedup-memory", "value", 100, 50],
] as const;

describe("the figures of the benchmark", () => {
  test.for(promised)("%s measures %s", ([figure, line, of, bound, aim]) => {
    const lines = figures.find((each) => each.name === figure)?.lines ?? [];
    expect(lines.find((each) => each.name === line)?.target).toMatchObject({ of, bound, aim });
  });

  test("each has a file of its name, and each file is in the report", () => {
    const files = readdirSync(new URL("../../bench/figures", import.meta.url)).filter((file) => file !== "index.ts");
    expect(files.toSorted()).toEqual(figures.map((each) => `${each.name}.ts`).toSorted());
  });

  test("no two lines have the same name", () => {
    const names = figures.flatMap((figure) => figure.lines.map((line) => line.name));
    expect(new Set(names).size).toBe(names.length);
  });

  test("every promise is on the page about performance", () => {
    const page = readFileSync(new URL("../../docs/design/performance.md", import.meta.url), "utf8");
    expect(figures.map((each) => each.name).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

describe("the options of the benchmark", () => {
  test("several figures can be named, with commas or again", () => {
    expect(parseOptions(["--only", "send,read", "--only", "handle"]).only).toEqual(["send", "read", "handle"]);
  });

  test("a number that is none is refused by the name of its option", () => {
    expect(() => parseOptions(["--seconds", "many"])).toThrow(/--seconds .* not "many"/);
    expect(() => parseOptions(["--rounds", "0"])).toThrow(TypeError);
  });

  test("an option nobody knows is refused", () => {
    expect(() => parseOptions(["--fast"])).toThrow(TypeError);
  });

  test("without names all are chosen; a wrong name is refused with the right ones", () => {
    const all = [{ name: "send" }, { name: "read" }];
    expect(choose(all, [])).toEqual(all);
    expect(choose(all, ["read"])).toEqual([{ name: "read" }]);
    expect(() => choose(all, ["sned"])).toThrow(/sned.*send, read/);
  });
});

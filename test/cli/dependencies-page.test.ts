import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const description = JSON.parse(read("package.json")) as Record<string, Record<string, string> | undefined>;

test("every dependency stands on its page with its reason, and the page names no other", () => {
  const [, runtime = "", development = ""] = read("docs/dependencies.md").split(/^## /m);
  const named = (section: string): string[] =>
    [...section.matchAll(/^\| `([^`]+)` \| .{5,} \| .{20,} \|$/gm)].map((match) => match[1] ?? "").toSorted();
  expect(named(runtime)).toEqual(Object.keys(description["dependencies"] ?? {}).toSorted());
  expect(named(development)).toEqual(Object.keys(description["devDependencies"] ?? {}).toSorted());
});

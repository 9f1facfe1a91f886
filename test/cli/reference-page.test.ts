/** The reference of the command line and the verbs' own declarations must agree. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { expect, test } from "vitest";
import { commandCodes } from "../../src/cli/exit-code.js";
import type { VerbEntry } from "../../src/cli/verb.js";
import { verbs } from "../../src/cli/verbs.js";

const page = readFileSync(new URL("../../docs/reference/cli.md", import.meta.url), "utf8");
const sections = new Map(page.split(/^## /m).map((section) => [section.slice(0, section.indexOf("\n")), section]));

interface Leaf {
  readonly name: string;
  readonly entry: VerbEntry;
}

const leaves = (entries: readonly VerbEntry[], before = ""): Leaf[] =>
  entries.flatMap((entry) =>
    entry.verbs === undefined ? [{ name: before + entry.name, entry }] : leaves(entry.verbs, `${before}${entry.name} `),
  );

async function declared(entry: VerbEntry): Promise<Command> {
  const command = new Command();
  (await entry.load?.())?.declare(command);
  return command;
}

test("every verb has its section, and every section but the first its verb", () => {
  const names = [...sections.keys()].filter((title) => !title.startsWith("#") && title !== "For every verb");
  expect(names.toSorted()).toEqual(
    leaves(verbs)
      .map((leaf) => leaf.name)
      .toSorted(),
  );
});

test.each(leaves(verbs))("the section of $name lists its options and no other", async ({ name, entry }) => {
  const { options } = await declared(entry);
  const listed = [...(sections.get(name) ?? "").matchAll(/^\| `(-[^`]+)` \| .{8,} \|$/gm)].map(
    (match) => match[1] ?? "",
  );
  expect(listed.toSorted()).toEqual(options.map((option) => option.flags).toSorted());
});

test.each(leaves(verbs))("the section of $name names its arguments", async ({ name, entry }) => {
  const { registeredArguments } = await declared(entry);
  const usage = registeredArguments.map((argument) => {
    const dots = argument.variadic ? "..." : "";
    return argument.required ? ` <${argument.name()}${dots}>` : ` [${argument.name()}${dots}]`;
  });
  expect(sections.get(name)).toContain(`\`millrace ${name}${usage.join("")}`);
});

test("every code of the command line's own stands on the page with its exit code", () => {
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map((match) => [match[1], Number(match[2])]);
  expect(Object.fromEntries(rows)).toEqual(commandCodes);
});

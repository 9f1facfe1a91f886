import { Command } from "commander";
import { expect, test } from "vitest";
import type { VerbEntry } from "../../src/cli/verb.js";
import { verbs } from "../../src/cli/verbs.js";
import { commandLine } from "./command-line.js";

const leaves = (entries: readonly VerbEntry[], before: readonly string[] = []): string[][] =>
  entries.flatMap((entry) =>
    entry.verbs === undefined ? [[...before, entry.name]] : leaves(entry.verbs, [...before, entry.name]),
  );

test("--help lists every verb on stdout", async () => {
  const { exitCode, stdout, stderr } = await commandLine(["--help"]);
  expect(exitCode).toBe(0);
  for (const { name, summary } of verbs)
    expect(stdout).toMatch(new RegExp(`^ {2}${name} .*${summary.slice(0, 20)}`, "m"));
  expect(stderr).toBe("");
});

test.each(leaves(verbs).map((path) => path.join(" ")))(
  "%s --help says what it takes, and so does help before it",
  async (name) => {
    const path = name.split(" ");
    const one = await commandLine([...path, "--help"]);
    expect(one).toMatchObject({ exitCode: 0, stderr: "" });
    expect(one.stdout).toContain(`Usage: millrace ${name}`);
    expect(one.stdout).toContain("--on <url>");
    const other = await commandLine(["help", ...path]);
    expect(other.stdout).toBe(one.stdout);
  },
);

test("--version is the version of the package", async () => {
  expect(await commandLine(["--version"])).toMatchObject({ exitCode: 0, stdout: "0.1.0\n", stderr: "" });
});

test.each([
  ["no verb", [], /^millrace: USAGE: say what to do: send, handle, tail, /],
  ["a verb that needs another", ["dead"], /^millrace: USAGE: say what to do: list, causes, show, redrive, drop;/],
  ["a mistyped verb", ["sned"], /^millrace: USAGE: unknown command 'sned' \(Did you mean send\?\)$/],
  ["a mistyped second verb", ["dead", "lst"], /unknown command 'lst' \(Did you mean list\?\)/],
  ["a mistyped option", ["peek", "emails", "--limt", "3"], /unknown option '--limt' \(Did you mean --limit\?\)/],
  ["a missing argument", ["tail"], /missing required argument 'stream'; see --help/],
  ["an argument too many", ["groups", "one", "two"], /too many arguments/],
  ["a missing option", ["handle", "emails"], /required option '-x, --exec <command>' not specified/],
  ["an option without its value", ["tail", "webhooks", "--from"], /argument missing/],
  [
    "a count that is none",
    ["peek", "emails", "--limit", "0"],
    /'-n, --limit <n>' argument '0' is invalid\. It must be a whole number from 1;/,
  ],
  [
    "a duration without its unit",
    ["handle", "emails", "-x", "cat", "--lease", "30"],
    /It must be a number with its unit/,
  ],
  ["a header without a name", ["send", "emails", "-H", "=x"], /It must be name=value/],
  ["an unknown kind", ["send", "emails", "--kind", "table"], /It must be one of queue, stream, topic/],
  ["payloads and a file", ["send", "emails", "x", "--file", "y"], /give either payloads or --file, not both/],
  ["an id for many", ["send", "emails", "--id", "1"], /--id belongs to one message/],
  ["neither ids nor all", ["dead", "drop", "emails"], /say which: ids .*or --all/],
  ["ids and all", ["dead", "redrive", "emails", "1", "--all"], /give either ids or --all, not both/],
])("%s is a usage error: exit code 2, one line on stderr, nothing on stdout", async (_, argv, message) => {
  const { exitCode, stdout, stderr } = await commandLine(argv);
  expect(stderr.trimEnd()).toMatch(message);
  expect(stderr).toMatch(/^millrace: USAGE: [^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
});

test("with --json an error is one object on stderr", async () => {
  const { exitCode, stdout, stderr } = await commandLine(["peek", "--json"]);
  expect(JSON.parse(stderr)).toEqual({
    error: { code: "USAGE", message: "missing required argument 'channel'; see --help", retryable: false, exitCode: 2 },
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
});

test("no two options of a verb share a letter, and each says what it is for", async () => {
  const check = async (entry: VerbEntry): Promise<void> => {
    const command = new Command();
    (await entry.load?.())?.declare(command);
    const letters = command.options.flatMap((option) => option.short ?? []);
    expect(new Set(letters).size).toBe(letters.length);
    expect(command.options.every((option) => option.description.length > 5)).toBe(true);
    await Promise.all((entry.verbs ?? []).map(check));
  };
  await Promise.all(verbs.map(check));
});

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { commandsOn, freshPath } from "./directory.js";

/** A module as a user writes it, next to nothing else. */
function configOf(source: string): string {
  const folder = freshPath();
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "channels.mjs");
  const library = pathToFileURL(fileURLToPath(new URL("../../dist/index.js", import.meta.url))).href;
  writeFileSync(file, source.replace('"millrace"', JSON.stringify(library)));
  return file;
}

test("prints a line for each pitfall, and ends with 1 when there is one", async () => {
  const run = commandsOn(freshPath());
  await run(["send", "emails", "x"]);
  const config = configOf(`import { queue } from "millrace"; export const emails = queue("emails", { attempts: 1 });`);
  expect(await run(["doctor"])).toMatchObject({ exitCode: 0, stdout: "" });
  const found = await run(["doctor", "--config", config]);
  expect(found.exitCode).toBe(1);
  expect(found.stdout).toBe(
    "emails: the first failure makes a message a dead letter; give it a few attempts, unless no second one could succeed: most failures are over in a minute (short-retries)\n",
  );
  expect(found.stderr).toMatch(/PITFALLS_FOUND: 1 pitfall/);
});

test("says what each policy comes to at worst", async () => {
  const run = commandsOn(freshPath());
  await run(["send", "emails", "x"]);
  const config = configOf(`import { fixed, queue } from "millrace";
    export default [queue("emails", { attempts: 3, backoff: fixed("1m") })];`);
  const { stderr } = await run(["doctor", "--config", config, "--handler", "10s"]);
  expect(stderr).toMatch(/emails: 3 attempts, at worst 2\.5 m until it is a dead letter, with every handler of 10 s/);
});

test("with --json a pitfall is an object", async () => {
  const run = commandsOn(freshPath());
  await run(["send", "emails", "x"]);
  const config = configOf(
    `import { queue } from "millrace"; export const all = { emails: queue("emails", { attempts: 1 }) };`,
  );
  const { objects } = await run(["doctor", "--json", "--config", config]);
  expect(objects).toEqual([
    {
      channel: "emails",
      pitfall: "short-retries",
      what: expect.any(String) as string,
      remedy: expect.any(String) as string,
    },
  ]);
});

test("a module that cannot be loaded, and one without channels, are said to be that", async () => {
  const run = commandsOn(freshPath());
  await run(["send", "emails", "x"]);
  const missing = await run(["doctor", "--config", "nowhere.mjs"]);
  expect(missing).toMatchObject({ exitCode: 4, stderr: expect.stringMatching(/FILE_UNREADABLE/) as string });
  const empty = await run(["doctor", "--config", configOf("export const a = 1;")]);
  expect(empty).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/INPUT_INVALID.*exports no channel/) as string,
  });
});

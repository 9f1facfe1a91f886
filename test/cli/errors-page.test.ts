/** The page about errors has columns that are facts of the code: they must agree. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorCodes } from "../../src/base/errors.js";
import { errorExitCodes } from "../../src/cli/exit-code.js";

const page = readFileSync(new URL("../../docs/reference/errors.md", import.meta.url), "utf8");

test("the page says of every code whether it is retryable, and its exit code", () => {
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (yes|no) \|.*\| (\d+) \|$/gm)];
  const said = Object.fromEntries(
    rows.map(([, code = "", retryable, exit]) => [code, { retryable: retryable === "yes", exit: Number(exit) }]),
  );
  const facts = Object.entries(errorCodes).map(([code, { retryable }]) => [
    code,
    { retryable, exit: errorExitCodes[code as keyof typeof errorExitCodes] },
  ]);
  expect(said).toEqual(Object.fromEntries(facts));
});

import { expect, test } from "vitest";
import { type ErrorCode, MillraceError, errorCodes } from "../../src/base/errors.js";
import { errorExitCodes, exitCodes } from "../../src/cli/exit-code.js";
import { commandLine } from "./command-line.js";
import { fakeMillrace, opening } from "./fake-millrace.js";

const codes = Object.keys(errorCodes) as ErrorCode[];
const failing = (error: unknown): ReturnType<typeof opening> =>
  opening(
    fakeMillrace({
      admin: {
        channels: async () => {
          throw error;
        },
      },
    }),
  );
/** Not a directory, so that none is looked for. */
const anywhere = ["--on", "memory:"];

test.each(codes)("%s ends a verb with its exit code and its own words", async (code) => {
  const { exitCode, stdout, stderr } = await commandLine(["channels", ...anywhere], {
    open: failing(new MillraceError(code, "this\nhappened; do that")),
  });
  expect(exitCode).toBe(errorExitCodes[code]);
  expect(stderr).toBe(`millrace: ${code}: this happened; do that\n`);
  expect(stdout).toBe("");
});

test("no error ends with the exit code of success", () => {
  expect(codes.filter((code) => (errorExitCodes[code] as number) === exitCodes.ok)).toEqual([]);
});

test("what scripts rely on has the exit code that is promised", () => {
  expect(errorExitCodes).toMatchObject({
    CHANNEL_UNKNOWN: 4,
    QUEUE_FULL: 5,
    DISK_FULL: 5,
    LOCKED: 6,
    TIMEOUT: 7,
    ABORTED: 130,
  });
});

test("with --json an error tells whether trying again may help", async () => {
  const open = failing(new MillraceError("LOCKED", "process 4711 has it"));
  const { exitCode, stderr } = await commandLine(["channels", "--json", ...anywhere], { open });
  expect(exitCode).toBe(6);
  expect(JSON.parse(stderr)).toEqual({
    error: { code: "LOCKED", message: "process 4711 has it", retryable: true, exitCode: 6 },
  });
});

test("an argument that the library refuses is a usage error", async () => {
  const open = failing(new TypeError("the name must not be empty"));
  expect(await commandLine(["channels", ...anywhere], { open })).toMatchObject({
    exitCode: 2,
    stderr: "millrace: USAGE: the name must not be empty\n",
  });
});

test("a defect is called unexpected, and shows its stack only when asked", async () => {
  const open = failing(new RangeError("boom"));
  expect(await commandLine(["channels", ...anywhere], { open })).toMatchObject({
    exitCode: 1,
    stderr: "millrace: UNEXPECTED: boom\n",
  });
  const { stderr } = await commandLine(["channels", ...anywhere], { open, env: { MILLRACE_STACK: "1" } });
  expect(stderr).toMatch(/UNEXPECTED: boom\nRangeError: boom\n {4}at /);
});

test.each([
  ["of the language", new TypeError("mill.nothing is not a function")],
  ["of Node", Object.assign(new TypeError('The "path" argument must be a string'), { code: "ERR_INVALID_ARG_TYPE" })],
])("a TypeError %s is a defect, not the user's mistake", async (_, error) => {
  const open = failing(error);
  expect((await commandLine(["channels", ...anywhere], { open })).stderr).toMatch(/UNEXPECTED/);
});

import { describe, expect, test } from "vitest";
import { commandsOn, freshPath } from "./directory.js";

describe("explain", () => {
  test("says where a message is, and why", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "--key", "k"], { stdin: "1\n2\n" });
    const { stdout, exitCode } = await run(["explain", "emails/0/1"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^emails\/0\/1 of emails, sent \S+\n\(the queue\): ready; it could be handed out, .*\n$/);
    expect((await run(["explain", "emails/0/1", "--json"])).objects).toMatchObject([
      {
        id: "emails/0/1",
        channel: "emails",
        message: { key: "k", partition: 0, offset: 1 },
        groups: [{ group: null, state: "ready", ahead: 1, until: null, letter: null }],
      },
    ]);
  });

  test("follows it into the dead letters", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "x"]);
    await run(["handle", "emails", "--exec", "echo gone >&2; exit 100", "--until-empty"]);
    expect((await run(["explain", "emails/0/0"])).stdout).toMatch(
      /dead; it is dead letter emails\.dead\/0\/0 .*gone\n$/,
    );
  });

  test("ends with exit code 4 when nobody knows of it", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "x"]);
    expect(await run(["explain", "nobody", "--channel", "emails"])).toMatchObject({
      exitCode: 4,
      stdout: expect.stringMatching(/^no message nobody is known in "emails"/) as string,
    });
    expect(await run(["explain", "x", "--channel", "email"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/CHANNEL_UNKNOWN: .*emails/) as string,
    });
  });
});

import { describe, expect, test } from "vitest";
import { commandsOn, freshPath } from "./directory.js";

async function withDeadLetters(payloads = "1\n2\n3\n"): Promise<ReturnType<typeof commandsOn>> {
  const run = commandsOn(freshPath());
  await run(["send", "emails", "--key", "k", "-H", "a=1"], { stdin: payloads });
  await run(["handle", "emails", "--exec", "echo no >&2; exit 100", "--until-empty"]);
  return run;
}

describe("dead letters", () => {
  test("are listed with their reasons, the oldest first, a page at a time", async () => {
    const run = await withDeadLetters();
    const { stdout } = await run(["dead", "list", "emails"]);
    expect(stdout).toMatch(
      /^id +reason +attempts +failed ago +key +error\n(?:\S+ +rejected +1 +.* k +Rejected: the command rejected it: no\n){3}$/,
    );
    const all = (await run(["dead", "list", "emails", "--json"])).objects;
    expect(all.map((each) => (each["message"] as { value: unknown }).value)).toEqual([1, 2, 3]);
    expect(
      (await run(["dead", "list", "emails", "--json", "--limit", "1", "--after", String(all[0]?.["id"])])).objects,
    ).toEqual([all[1]]);
    expect((await run(["dead", "list", "emails", "--json", "--reason", "expired"])).objects).toEqual([]);
  });

  test("are shown whole", async () => {
    const run = await withDeadLetters();
    const [letter] = (await run(["dead", "list", "emails", "--json"])).objects;
    const id = String(letter?.["id"]);
    expect((await run(["dead", "show", "emails", id, "--json"])).objects).toEqual([letter]);
    const { stdout } = await run(["dead", "show", "emails", id]);
    expect(stdout).toMatch(/^reason +rejected$/m);
    expect(stdout).toMatch(/^came from +emails, emails\/0\/0$/m);
    expect(stdout).toMatch(/^header +a: 1$/m);
    expect(stdout).toMatch(/^payload +1$/m);
    expect(await run(["dead", "show", "emails", "nothing"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/MESSAGE_UNKNOWN/) as string,
    });
  });

  test("are sent back, each with key, headers and all its attempts", async () => {
    const run = await withDeadLetters();
    const [, letter] = (await run(["dead", "list", "emails", "--json"])).objects;
    expect((await run(["dead", "redrive", "emails", String(letter?.["id"])])).stderr).toBe(
      "millrace: redrove 1 dead letter to emails\n",
    );
    const [back] = (await run(["peek", "emails", "--json"])).objects;
    expect(back).toMatchObject({ value: 2, key: "k", headers: { a: "1" }, attempts: 0 });
    expect((await run(["dead", "redrive", "emails", "--all", "--json"])).objects).toEqual([
      { channel: "emails", redriven: 2 },
    ]);
    expect((await run(["dead", "list", "emails"])).stderr).toBe("millrace: no dead letters of emails\n");
    expect((await run(["handle", "emails", "--exec", "cat", "--until-empty"])).stdout).toBe("213");
  });

  test("are dropped, and then they are gone", async () => {
    const run = await withDeadLetters();
    expect((await run(["dead", "drop", "emails", "--all", "--limit", "2", "--json"])).objects).toEqual([
      { channel: "emails", dropped: 2 },
    ]);
    expect(
      (await run(["dead", "list", "emails", "--json"])).objects.map(
        (each) => (each["message"] as { value: unknown }).value,
      ),
    ).toEqual([3]);
    expect((await run(["dead", "drop", "emails", "--all"])).stderr).toMatch(
      /^millrace: dropped 1 dead letter of emails/,
    );
    expect((await run(["peek", "emails"])).stderr).toBe("millrace: nothing waits in emails\n");
  });

  test("of a channel that has none are none", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "x"]);
    expect(await run(["dead", "list", "emails", "--json"])).toMatchObject({ exitCode: 0, stdout: "" });
    expect((await run(["dead", "redrive", "emails", "--all", "--json"])).objects).toEqual([
      { channel: "emails", redriven: 0 },
    ]);
  });
});

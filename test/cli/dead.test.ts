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
      /^id +reason +attempts +redriven +failed ago +key +error\n(?:\S+ +rejected +1 +0 +.* k +Rejected: the command rejected it: no\n){3}$/,
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
      { channel: "emails", redriven: 2, dryRun: false },
    ]);
    expect((await run(["dead", "list", "emails"])).stderr).toBe("millrace: no dead letters of emails\n");
    expect((await run(["handle", "emails", "--exec", "cat", "--until-empty"])).stdout).toBe("213");
  });

  test("are dropped, and then they are gone", async () => {
    const run = await withDeadLetters();
    expect((await run(["dead", "drop", "emails", "--all", "--limit", "2", "--json"])).objects).toEqual([
      { channel: "emails", dropped: 2, dryRun: false },
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

  test("are filtered, and counted by their cause", async () => {
    const run = await withDeadLetters();
    await run(["handle", "emails", "--exec", "echo other >&2; exit 100", "--until-empty"]);
    await run(["send", "emails", "--key", "m"], { stdin: "4\n" });
    await run(["handle", "emails", "--exec", "echo gone >&2; exit 100", "--until-empty"]);
    const values = async (...filter: readonly string[]): Promise<unknown[]> =>
      (await run(["dead", "list", "emails", "--json", ...filter])).objects.map(
        (each) => (each["message"] as { value: unknown }).value,
      );
    expect(await values("--key", "m")).toEqual([4]);
    expect(await values("--text", "GONE", "--error", "Rejected")).toEqual([4]);
    expect(await values("-H", "a=1")).toEqual([1, 2, 3]);
    expect(await values("--id", "emails/0/1")).toEqual([2]);
    expect(await values("--failed-after", "2100-01-01")).toEqual([]);
    expect(await values("--failed-before", "2100-01-01", "--attempts", "1..", "--redriven", "0")).toEqual([1, 2, 3, 4]);
    expect(await values("--attempts", "..0")).toEqual([]);
    const { objects } = await run(["dead", "causes", "emails", "--json"]);
    expect(objects).toMatchObject([{ count: 3 }, { count: 1, error: { name: "Rejected" } }]);
    expect(await values("--fingerprint", String(objects[1]?.["fingerprint"]))).toEqual([4]);
    expect((await run(["dead", "causes", "emails"])).stdout).toMatch(
      /^fingerprint +count +first ago +last ago +example +error\n\S{12} +3 .*no\n\S{12} +1 .*gone\n$/,
    );
  });

  test("are only counted in a dry run", async () => {
    const run = await withDeadLetters();
    expect((await run(["dead", "redrive", "emails", "--all", "--dry-run"])).stderr).toMatch(
      /^millrace: would redrive 3 dead letters to emails/,
    );
    expect((await run(["dead", "drop", "emails", "--all", "--key", "k", "--dry-run", "--json"])).objects).toEqual([
      { channel: "emails", dropped: 3, dryRun: true },
    ]);
    expect((await run(["dead", "list", "emails", "--json"])).objects).toHaveLength(3);
  });

  test("are redriven at a rate, with progress on a terminal", async () => {
    const run = await withDeadLetters();
    const { stderr } = await run(["dead", "redrive", "emails", "--all", "--rate", "10"], { stderrIsTerminal: true });
    expect(stderr).toMatch(/dead letters, .*millrace: redrove 3 dead letters to emails in /s);
  });

  test("are left between two commits at Ctrl-C", async () => {
    const run = await withDeadLetters();
    const interrupt = new AbortController();
    interrupt.abort();
    expect(await run(["dead", "drop", "emails", "--all"], { signal: interrupt.signal })).toMatchObject({
      exitCode: 130,
      stderr: expect.stringMatching(/stopped; dropped before that: 0 dead letters/) as string,
    });
    expect((await run(["dead", "list", "emails", "--json"])).objects).toHaveLength(3);
  });

  test("of a channel that has none are none", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "x"]);
    expect(await run(["dead", "list", "emails", "--json"])).toMatchObject({ exitCode: 0, stdout: "" });
    expect((await run(["dead", "redrive", "emails", "--all", "--json"])).objects).toEqual([
      { channel: "emails", redriven: 0, dryRun: false },
    ]);
  });
});

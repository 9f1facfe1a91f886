import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readNdjson } from "../../../examples/webhooks/ndjson-file.js";
import type { Mail } from "../../../examples/webhooks/rules.js";
import { SmtpClient, SmtpError } from "../../../examples/webhooks/smtp-client.js";
import { SmtpSink } from "../../../examples/webhooks/smtp-sink.js";

let directory: string;
let stops: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-sink-"));
});
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
  stops = [];
  await rm(directory, { recursive: true });
});

const mailbox = (): string => join(directory, "mailbox.ndjson");

async function start(failShare: number, seed = 1): Promise<{ sink: SmtpSink; client: SmtpClient }> {
  const sink = await SmtpSink.start({ mailbox: mailbox(), failShare, seed });
  const client = new SmtpClient(sink.port);
  stops.push(
    () => sink.close(),
    () => client.close(),
  );
  return { sink, client };
}

const mailTo = (to: string, id = "1"): Mail => ({ id, to, subject: "s", text: "t" });

test("an accepted mail is in the mailbox once its delivery resolves", async () => {
  const { client } = await start(0);
  await client.deliver(mailTo("ada@mail.example"), 3);
  expect(await readNdjson(mailbox())).toEqual([{ id: "1", to: "ada@mail.example", attempt: 3 }]);
});

test("an address that takes no mail is refused for good, and the connection serves the next mail", async () => {
  const { client } = await start(0);
  const refusal = await client.deliver(mailTo("1+ada@users.noreply.github.com"), 1).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(SmtpError);
  expect(refusal).toMatchObject({ code: 550, permanent: true });
  await client.deliver(mailTo("ada@mail.example"), 1);
});

test("a full mailbox is a refusal for now, at every attempt", async () => {
  const { client } = await start(0);
  for (const attempt of [1, 2, 3]) {
    await expect(client.deliver(mailTo("octocat@mail.example"), attempt)).rejects.toMatchObject({
      code: 452,
      permanent: false,
    });
  }
});

test("which mails fail follows from seed, id and attempt alone", async () => {
  const first = await start(0.5, 9);
  const outcomes = async (client: SmtpClient): Promise<string> => {
    const tries = Array.from({ length: 40 }, (_, number) => client.deliver(mailTo("a@mail.example", `m${number}`), 1));
    return (await Promise.allSettled(tries)).map(({ status }) => status[0]).join("");
  };
  const seen = await outcomes(first.client);
  expect(seen).toMatch(/f/);
  expect(seen).toMatch(/r/);
  expect(await outcomes((await start(0.5, 9)).client)).toBe(seen);
  expect(await outcomes((await start(0.5, 10)).client)).not.toBe(seen);
});

test("a text that has lines with dots, or looks like a command, stays one mail", async () => {
  const { client } = await start(0);
  await client.deliver({ id: "1", to: "a@mail.example", subject: "s\r\nX-Attempt: 9", text: ".\nQUIT\n..\n" }, 1);
  await client.deliver(mailTo("b@mail.example", "2"), 1);
  expect(await readNdjson(mailbox())).toMatchObject([
    { id: "1", attempt: 1 },
    { id: "2", attempt: 1 },
  ]);
});

test("what is not SMTP gets an answer or the end of the connection, and harms nobody else", async () => {
  const { sink, client } = await start(0);
  const say = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let heard = "";
      const socket = connect(sink.port, "127.0.0.1", () => socket.write(text));
      socket.on("data", (chunk) => (heard += String(chunk)));
      socket.on("error", () => {});
      socket.on("close", () => resolve(heard));
    });
  expect(await say("HELLO\r\nDATA\r\nRCPT TO:x\r\nQUIT\r\n")).toMatch(/220 .*\r\n500 .*\r\n503 .*\r\n501 .*\r\n221 /);
  expect(await say("x".repeat(100_000))).toMatch(/^220 /);
  await client.deliver(mailTo("ada@mail.example"), 1);
});

test("a delivery in progress fails when the server stops", async () => {
  const { sink, client } = await start(0);
  await client.deliver(mailTo("ada@mail.example"), 1);
  stops = [() => client.close()];
  await sink.close();
  await expect(client.deliver(mailTo("ada@mail.example", "2"), 1)).rejects.toThrow(/closed|ECONNRESET|EPIPE/);
});

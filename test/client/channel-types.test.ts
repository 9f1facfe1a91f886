/** What the compiler knows of channels. The tests are the types: `npm run types` fails where one does not hold. */
import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { bytes, queue, stream, text, topic } from "../../src/index.js";
import type { Channel, Delivery, Message, Millrace, Queue, Receipt, Stream, Topic } from "../../src/index.js";

interface Email {
  readonly to: string;
}

declare const mill: Millrace;
const emails = queue<Email>("emails");

test("a channel's payload type is said once, or comes from its schema or codec", () => {
  expectTypeOf(emails).toEqualTypeOf<Queue<Email>>();
  expectTypeOf(stream<Email>("s")).toEqualTypeOf<Stream<Email>>();
  expectTypeOf(topic<Email>("t")).toEqualTypeOf<Topic<Email>>();
  expectTypeOf(queue("q", { schema: z.object({ to: z.string() }) })).toEqualTypeOf<Queue<{ to: string }>>();
  expectTypeOf(queue("q", { schema: v.object({ to: v.string() }) })).toEqualTypeOf<Queue<{ to: string }>>();
  expectTypeOf(queue("q", { codec: text })).toEqualTypeOf<Queue<string>>();
  expectTypeOf(stream("q", { codec: bytes })).toEqualTypeOf<Stream<Uint8Array>>();
  expectTypeOf(queue("q")).toEqualTypeOf<Queue<unknown>>();
});

test("key and id get the value with its type", () => {
  queue("q", {
    schema: z.object({ to: z.string() }),
    key: (email) => {
      expectTypeOf(email).toEqualTypeOf<{ to: string }>();
      return email.to;
    },
  });
  // @ts-expect-error -- a key is a string
  queue<Email>("q", { key: (email) => email.to.length });
});

test("a codec or schema of another type does not fit", () => {
  // @ts-expect-error -- text is for strings
  queue<Email>("q", { codec: text });
  // @ts-expect-error -- the schema returns something else
  queue<Email>("q", { schema: z.object({ from: z.string() }) });
});

/** Never called: only its types count. */
export async function uses(): Promise<void> {
  // @ts-expect-error -- a queue has no partitions
  queue("q", { partitions: 2 });
  // @ts-expect-error -- a stream has no capacity
  stream("s", { capacity: { messages: 1 } });
  // @ts-expect-error -- a topic has no order
  topic("t", { order: "per-key" });

  expectTypeOf(await mill.send(emails, { to: "ada" })).toEqualTypeOf<Receipt>();
  // @ts-expect-error -- the value is not of the channel's type
  await mill.send(emails, { too: "ada" });
  // @ts-expect-error -- the value may not widen the channel's type
  await mill.send(emails, { to: 7 });
  // @ts-expect-error -- one of the values is not of the channel's type
  await mill.sendAll(emails, [{ to: "ada" }, { to: 7 }]);
  // @ts-expect-error -- an id belongs to one message
  await mill.sendAll(emails, [{ to: "ada" }], { id: "x" });
  await mill.load(emails, [{ to: "ada" }]);
  await mill.load(
    emails,
    (async function* () {
      yield { to: "ada" };
    })(),
  );
  // @ts-expect-error -- the values are not of the channel's type
  await mill.load(emails, [7]);

  mill.handle(emails, (email, delivery) => {
    expectTypeOf(email).toEqualTypeOf<Email>();
    expectTypeOf(delivery).toEqualTypeOf<Delivery<Email>>();
    expectTypeOf(delivery.message.value).toEqualTypeOf<Email>();
    // @ts-expect-error -- what is staged has the type of its channel
    void delivery.send(emails, { too: "ada" });
  });
  mill.handle(emails, async () => {});
  // A handler of something wider may handle what is narrower.
  mill.handle(emails, (anything: unknown) => void anything);
  // @ts-expect-error -- a handler of another type
  mill.handle(emails, (value: number) => void value);
  // @ts-expect-error -- what a handler returns is a settlement or nothing
  mill.handle(emails, () => 7);
  // @ts-expect-error -- nobody can promise that
  mill.handle(emails, () => {}, { guarantee: "exactly-once" });

  mill.handleBatch(
    emails,
    (values, deliveries) => {
      expectTypeOf(values).toEqualTypeOf<readonly Email[]>();
      expectTypeOf(deliveries).toEqualTypeOf<readonly Delivery<Email>[]>();
    },
    { size: 10 },
  );
  // @ts-expect-error -- a batch needs a size
  mill.handleBatch(emails, () => {});

  const events = stream<Email>("events");
  for await (const message of mill.read(events)) expectTypeOf(message).toEqualTypeOf<Message<Email>>();
  for await (const batch of mill.read(events).batches()) expectTypeOf(batch).toEqualTypeOf<readonly Message<Email>[]>();
  // @ts-expect-error -- only streams have a history
  mill.read(emails);

  expectTypeOf(await mill.transaction(async () => 7)).toEqualTypeOf<number>();
  const [letter] = await mill.admin.dead(emails).list();
  expectTypeOf(letter?.message.value).toEqualTypeOf<Email | undefined>();
  expectTypeOf(await mill.admin.channel("x", text)).toEqualTypeOf<Channel<string>>();
}

test("a channel of one type is no channel of a wider or a narrower one", () => {
  const wide = (channel: Channel<Email | string>): string => channel.name;
  const narrow = (channel: Channel<Email & { readonly cc: string }>): string => channel.name;
  // @ts-expect-error -- whoever sends through it could send what its consumers do not know
  wide(emails);
  // @ts-expect-error -- whoever handles it could rely on a cc that nobody has to send
  narrow(emails);
});

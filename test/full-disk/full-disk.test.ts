/** A disk without room: sending is refused and may be tried again, all else goes on, and nothing acknowledged is lost. */
import { afterEach, describe, expect, test } from "vitest";
import { hasCode, type Millrace, queue, text } from "millrace";
import { turn } from "../../src/testing/manual-clock.js";
import { type Place, simulatedPlace, smallFileSystem } from "./place.js";

const work = queue("work", { codec: text, lease: "1m" });
const padding = ".".repeat(16 * 1024);
const refused = expect.objectContaining({ code: "DISK_FULL", retryable: true });

/** Sends on until it is refused. Returns the numbers that were acknowledged. */
async function sendUntilRefused(broker: Millrace, first = 0): Promise<number[]> {
  const acknowledged: number[] = [];
  for (let number = first; number < first + 5_000; number++) {
    try {
      await broker.send(work, `${number} ${padding}`);
    } catch (error) {
      expect(error).toEqual(refused);
      return acknowledged;
    }
    acknowledged.push(number);
  }
  throw new Error("it was never refused");
}

/** Handles until so many are settled. Returns their numbers. */
async function handle(place: Place, broker: Millrace, count: number): Promise<number[]> {
  const handled: number[] = [];
  const consumer = broker.handle(work, (value) => {
    handled.push(Number.parseInt(value, 10));
    if (handled.length === count) consumer.pause();
  });
  await within(place, 20_000, async () => handled.length >= count);
  await consumer.close();
  return handled;
}

/** Lets time pass until it is so. Returns whether it came to be. */
async function within(place: Place, ms: number, isSo: () => Promise<boolean>): Promise<boolean> {
  for (let passedMs = 0; passedMs <= ms; passedMs += 50) {
    if (await isSo()) return true;
    await place.pass(50);
  }
  return false;
}

/** Whether a send is accepted within a few seconds, without anybody doing anything about it. */
function isAcceptedAgain(place: Place, broker: Millrace): Promise<boolean> {
  return within(place, 5_000, async () => {
    try {
      await broker.send(work, "-1 accepted");
      return true;
    } catch (error) {
      if (!hasCode(error, "DISK_FULL")) throw error;
      return false;
    }
  });
}

async function messagesOf(broker: Millrace): Promise<number> {
  return (await broker.admin.stats("work")).messages;
}

const places: Record<string, () => Place> = {
  "a small file system (simulated where none can be mounted)": () => smallFileSystem() ?? simulatedPlace(),
  "a simulated disk": simulatedPlace,
};

describe.each(Object.entries(places))("on %s that is full", (_name, make) => {
  let removals: (() => void | Promise<void>)[] = [];

  afterEach(async () => {
    for (const remove of removals.reverse()) await remove();
    removals = [];
  });

  async function filled(): Promise<{ place: Place; broker: Millrace; acknowledged: number[] }> {
    const place = make();
    removals.push(() => place.remove());
    const broker = await opened(place);
    const acknowledged = await sendUntilRefused(broker);
    expect(acknowledged.length).toBeGreaterThan(200);
    return { place, broker, acknowledged };
  }

  async function opened(place: Place): Promise<Millrace> {
    const broker = await place.open();
    removals.push(() => broker.close());
    return broker;
  }

  test("looking, handling and settling go on, and nothing acknowledged is missing", async () => {
    const { place, broker, acknowledged } = await filled();
    place.takeRoom();
    await expect(broker.send(work, `refused ${padding}`)).rejects.toEqual(refused);
    expect(await messagesOf(broker)).toBe(acknowledged.length);
    expect(await broker.admin.peek(work, { limit: 50 })).toHaveLength(50);
    expect(await handle(place, broker, acknowledged.length)).toEqual(acknowledged);
    expect(await messagesOf(broker)).toBe(0);
  });

  test("sends are accepted again by themselves once all is settled", async () => {
    const { place, broker, acknowledged } = await filled();
    expect(await handle(place, broker, acknowledged.length)).toEqual(acknowledged);
    expect(await isAcceptedAgain(place, broker)).toBe(true);
    expect((await sendUntilRefused(broker)).length).toBeGreaterThan(acknowledged.length / 2);
  });

  test("sends are accepted again by themselves once others have given room", async () => {
    const { place, broker, acknowledged } = await filled();
    place.takeRoom();
    const last = await sendUntilRefused(broker, acknowledged.length);
    place.giveRoom();
    expect(await isAcceptedAgain(place, broker)).toBe(true);
    const more = await sendUntilRefused(broker, acknowledged.length + last.length);
    expect(more.length).toBeGreaterThan(300);
    const all = [...acknowledged, ...last, -1, ...more];
    expect(await handle(place, broker, all.length)).toEqual(all);
  });

  test("closing and opening again works, with all that was not settled there, and no more", async () => {
    const { place, broker, acknowledged } = await filled();
    place.takeRoom();
    const handled = await handle(place, broker, 100);
    expect(handled).toEqual(acknowledged.slice(0, handled.length));
    await broker.close();
    place.takeRoom();
    place.leavePage();
    const again = await opened(place);
    expect(await messagesOf(again)).toBe(acknowledged.length - handled.length);
    place.takeRoom();
    const rest = await handle(place, again, acknowledged.length - handled.length);
    expect([...handled, ...rest]).toEqual(acknowledged);
    expect(await isAcceptedAgain(place, again)).toBe(true);
  });
});

test("where there is no room even for a lock, opening says so, leaves nothing behind, and works later", async () => {
  const place = smallFileSystem();
  if (place === undefined) return;
  try {
    const broker = await place.open();
    const acknowledged = await sendUntilRefused(broker);
    await broker.close();
    place.takeRoom();
    await expect(place.open()).rejects.toEqual(refused);
    expect(place.files().filter((name) => name.startsWith("LOCK"))).toEqual([]);
    place.giveRoom();
    const again = await place.open();
    expect(await messagesOf(again)).toBe(acknowledged.length);
    await again.close();
  } finally {
    place.remove();
  }
});

test("room that goes while messages are on their way costs refused sends, and no acknowledged one", async () => {
  const place = simulatedPlace();
  const broker = await place.open();
  const acknowledged: number[] = [0];
  await broker.send(work, `0 ${padding}`);
  const outcomes: Promise<unknown>[] = [];
  const refusals: unknown[] = [];
  const sendOne = async (number: number): Promise<void> => {
    try {
      await broker.send(work, `${number} ${padding}`);
      acknowledged.push(number);
    } catch (error) {
      refusals.push(error);
    }
  };
  for (let number = 1; number <= 600; number++) {
    outcomes.push(sendOne(number));
    if (number === 100) place.takeRoom();
    if (number % 50 === 0) await turn();
  }
  await within(place, 3_000, async () => refusals.length > 0);
  place.giveRoom();
  await place.pass(5_000);
  await Promise.all(outcomes);
  expect(refusals.length).toBeGreaterThan(0);
  expect(refusals).toEqual(refusals.map(() => refused));
  await broker.close();
  const again = await place.open();
  expect(await handle(place, again, acknowledged.length)).toEqual(acknowledged);
  expect(await messagesOf(again)).toBe(0);
  await again.close();
});

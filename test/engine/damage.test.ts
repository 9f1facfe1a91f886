import { describe, expect, test } from "vitest";
import type { SimulatedDisk } from "../../src/disk/simulated.js";
import type { Channel } from "../../src/engine/engine.js";
import { type Consumer, consume, message, numbered, texts, turn, World } from "./world.js";

/** Flips a byte in the middle of the first segment file. */
function damageFirstSegment(disk: SimulatedDisk, topicId: number): void {
  const directory = `t/${topicId}/0`;
  const [name] = disk
    .list(directory)
    .filter((each) => each.endsWith(".log"))
    .sort();
  const file = disk.open(`${directory}/${name}`, "write");
  const byte = new Uint8Array(1);
  const position = Math.floor(file.size() / 2);
  file.read(byte, position);
  file.write(Uint8Array.of(byte[0]! ^ 0xff), position);
  file.close();
}

async function drained(consumer: Consumer): Promise<string[]> {
  const values: string[] = [];
  for (let deliveries = await consumer.take(); deliveries.length > 0; deliveries = await consumer.take()) {
    values.push(...texts(deliveries));
    consumer.settle(deliveries);
  }
  return values;
}

describe.for(["queue", "stream"] as const)("damage to the files of a %s", (kind) => {
  async function damaged(): Promise<{ world: World; channel: Channel }> {
    const world = await World.open();
    const channel = await world[kind]();
    for (const each of numbered(60)) await channel.publish(message(`${each}:${"x".repeat(1000)}`));
    await world.restart();
    damageFirstSegment(world.disk, channel.known.id);
    return { world, channel: await world[kind]() };
  }

  test("costs the records it hits, is counted, and holds up nothing", async () => {
    const { world, channel } = await damaged();
    const consumer = await consume(channel, { group: kind === "queue" ? "" : "g" });
    const values = (await drained(consumer)).map((value) => value.split(":")[0]!);
    expect(values.length).toBeLessThan(60);
    expect(values.length).toBeGreaterThan(40);
    expect(values).toEqual([...values].sort((one, other) => Number(one) - Number(other)));
    expect(await world.admin.stats(channel.name)).toMatchObject({ damaged: 60 - values.length, inFlight: 0 });
    expect(await world.admin.lag(channel.name, kind === "queue" ? "" : "g")).toMatchObject([{ messages: 0 }]);
    await turn();
  });

  test("that hits a message waiting for its redelivery lets it go", async () => {
    const world = await World.open();
    const channel = await world[kind]();
    const group = kind === "queue" ? "" : "g";
    for (const each of numbered(60)) await channel.publish(message(`${each}:${"x".repeat(1000)}`));
    await (await consume(channel, { group })).take(60);
    await turn();
    await world.restart();
    damageFirstSegment(world.disk, channel.known.id);
    const consumer = await consume(await world[kind](), { group });
    const values = await drained(consumer);
    expect(values.length).toBeLessThan(60);
    expect(await world.admin.lag(channel.name, group)).toMatchObject([{ messages: 0 }]);
  });
});

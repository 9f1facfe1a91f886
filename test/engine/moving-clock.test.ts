import { describe, expect, test } from "vitest";
import { consume, message, retry, sendAll, turn, World } from "./world.js";

/** Time goes on whenever somebody looks at the clock, as it does outside of tests. */
function movesWhenRead(world: World): void {
  const { clock } = world;
  const standing = clock.monotonicMs.bind(clock);
  let passedMs = 0;
  clock.monotonicMs = () => standing() + (passedMs += 1);
}

describe("a message that comes due between two looks at the clock", () => {
  test.for(Array.from({ length: 30 }, (_, index) => index + 1))(
    "of a queue is handed out, retried after %d ms",
    async (delayMs) => {
      const world = await World.open();
      const queue = await world.queue();
      await sendAll(queue, ["again"]);
      const consumer = await consume(queue);
      const [delivery] = await consumer.take();
      movesWhenRead(world);
      const next = consumer.source.take(1);
      consumer.source.settle(delivery as never, retry(delayMs));
      await turn();
      await world.clock.advance(1_000);
      expect(await Promise.race([next, turn().then(() => "nothing")])).toMatchObject([{ attempt: 2 }]);
    },
  );

  test.for(Array.from({ length: 30 }, (_, index) => index + 1))(
    "of a stream is handed out, retried after %d ms",
    async (delayMs) => {
      const world = await World.open();
      const stream = await world.stream();
      await stream.publish(message("again"));
      const consumer = await consume(stream, { group: "g" });
      const [delivery] = await consumer.take();
      movesWhenRead(world);
      const next = consumer.source.take(1);
      consumer.source.settle(delivery as never, retry(delayMs));
      await turn();
      await world.clock.advance(1_000);
      expect(await Promise.race([next, turn().then(() => "nothing")])).toMatchObject([{ attempt: 2 }]);
    },
  );
});

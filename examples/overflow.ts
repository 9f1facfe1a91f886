/**
 * What a full queue does is its own choice, one of five: let senders wait, refuse, or drop the oldest, the newest or any message that waits.
 * A message that a handler is at work on is never dropped; what is dropped is counted, and a send that was tells so in its receipt.
 */
import { hasCode, type Millrace, open, queue, type Queue, type WhenFull } from "millrace";

const policies: readonly WhenFull[] = ["block", "reject", "drop-oldest", "drop-newest", "drop-random"];

await using mill = await open("memory:");

for (const whenFull of policies) {
  const small = queue<number>(whenFull, { capacity: { messages: 3, whenFull } });
  for (const number of [1, 2, 3]) await mill.send(small, number);
  const fourth = await sendOrSay(mill, small, 4);
  const { messages, dropped } = await mill.admin.stats(small);
  const left = (await mill.admin.peek(small)).map((message) => message.value);
  // Chance decides which one of the three goes.
  const shown = whenFull === "drop-random" ? `4 and ${messages - 1} of 1, 2, 3` : left.join(", ");
  console.log(`${whenFull}: the fourth ${fourth}; there are ${shown}; dropped ${dropped}`);
}

async function sendOrSay(to: Millrace, small: Queue<number>, number: number): Promise<string> {
  try {
    const receipt = await to.send(small, number, { timeout: "20ms" });
    return receipt.dropped ? "was dropped" : "went in";
  } catch (error) {
    if (hasCode(error, "TIMEOUT")) return "waited for room, as long as it was told to";
    if (hasCode(error, "QUEUE_FULL")) return "was refused";
    throw error;
  }
}

// Output:
// block: the fourth waited for room, as long as it was told to; there are 1, 2, 3; dropped 0
// reject: the fourth was refused; there are 1, 2, 3; dropped 0
// drop-oldest: the fourth went in; there are 2, 3, 4; dropped 1
// drop-newest: the fourth was dropped; there are 1, 2, 3; dropped 1
// drop-random: the fourth went in; there are 4 and 2 of 1, 2, 3; dropped 1

/**
 * Every queue has a bound, and so has the buffer of each listener of a topic that is not durable.
 * What happens at it is a choice: wait (a queue's default), refuse, or drop (a buffer's default: the oldest).
 */
import { hasCode, open, queue, topic } from "millrace";

const patient = queue<number>("patient", { capacity: { messages: 2, whenFull: "block" } });
const strict = queue<number>("strict", { capacity: { messages: 2, whenFull: "reject" } });
const newest = topic<number>("newest", { durable: false, buffer: { messages: 2, whenFull: "drop-oldest" } });

await using mill = await open("memory:");

for (const number of [1, 2, 3]) {
  await mill.send(strict, number).catch((error: unknown) => {
    if (hasCode(error, "QUEUE_FULL")) console.log(`${number} was refused, worth another try: ${error.retryable}`);
  });
}

const heard: number[] = [];
const heardTheLast = new Promise<void>((resolve) => {
  const listener = mill.handle(newest, (number) => {
    heard.push(number);
    if (number === 4) resolve();
  });
  listener.pause(); // as one that cannot keep up
  void listener.ready.then(async () => {
    for (const number of [1, 2, 3, 4]) await mill.send(newest, number);
    listener.resume();
  });
});
await heardTheLast;
console.log("the slow listener heard", heard, "dropped:", (await mill.admin.stats(newest)).dropped);

await mill.sendAll(patient, [1, 2]);
await mill.send(patient, 3, { timeout: "20ms" }).catch((error: unknown) => {
  if (hasCode(error, "TIMEOUT")) console.log("3 waited for room in vain");
});

// Output:
// 3 was refused, worth another try: true
// the slow listener heard [ 3, 4 ] dropped: 2
// 3 waited for room in vain

/**
 * Every queue has a bound. What happens at it is a choice: wait (the default), refuse, or drop.
 */
import { hasCode, open, queue } from "millrace";

const patient = queue<number>("patient", { capacity: { messages: 2, whenFull: "block" } });
const strict = queue<number>("strict", { capacity: { messages: 2, whenFull: "reject" } });
const newest = queue<number>("newest", { capacity: { messages: 2, whenFull: "drop-oldest" } });

await using mill = await open("memory:");

for (const number of [1, 2, 3]) {
  await mill.send(strict, number).catch((error: unknown) => {
    if (hasCode(error, "QUEUE_FULL")) console.log(`${number} was refused, worth another try: ${error.retryable}`);
  });
}

for (const number of [1, 2, 3]) await mill.send(newest, number);
console.log(
  "newest holds",
  (await mill.admin.peek(newest)).map(({ value }) => value),
);

await mill.sendAll(patient, [1, 2]);
await mill.send(patient, 3, { timeout: "20ms" }).catch((error: unknown) => {
  if (hasCode(error, "TIMEOUT")) console.log("3 waited for room in vain");
});

// Output:
// 3 was refused, worth another try: true
// newest holds [ 2, 3 ]
// 3 waited for room in vain

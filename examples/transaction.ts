/**
 * A transaction sends to any number of channels in one commit: everything, or nothing when its work throws.
 */
import { open, queue, stream } from "millrace";

const payments = queue<{ order: string; cents: number }>("payments");
const history = stream<string>("history", { partitions: 1 });

await using mill = await open("memory:");

async function place(order: string, cents: number): Promise<void> {
  await mill.transaction(async (transaction) => {
    await transaction.send(history, `${order} was ordered`);
    await transaction.send(payments, { order, cents });
    if (cents === 0) throw new RangeError("an order for nothing");
  });
}

await place("lamp", 4_900);
await place("air", 0).catch((error: unknown) => console.log(String(error)));

for await (const message of mill.read(history, { until: "end" })) console.log(message.value);
console.log(`payments waiting: ${(await mill.admin.stats(payments)).ready}`);

// Output:
// RangeError: an order for nothing
// lamp was ordered
// payments waiting: 1

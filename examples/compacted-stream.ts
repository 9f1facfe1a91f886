/**
 * A compacted stream keeps the last record of each key: a table that can be read from its beginning, and followed. `undefined` deletes a key.
 * Whoever starts anew builds the table from what is kept, however long ago it was sent.
 */
import { open, stream } from "millrace";
import { ManualClock } from "millrace/testing";

interface Price {
  readonly symbol: string;
  readonly cents: number;
}

const prices = stream<Price | undefined>("prices", { partitions: 1, compact: true, key: (price) => price?.symbol });

// Old records go when a file is full, and once a minute somebody looks: here files are small, and the clock obeys.
const clock = new ManualClock();
await using mill = await open("memory:", { clock, limits: { segmentBytes: 65_536, partitionTailBytes: 16_384 } });

for (let cents = 1; cents <= 3_000; cents++)
  await mill.send(prices, { symbol: cents % 2 === 0 ? "EUR" : "USD", cents });
await mill.send(prices, { symbol: "DEM", cents: 51 });
await mill.send(prices, undefined, { key: "DEM" });
await clock.advance(60_000);

const table = new Map<string | undefined, number>();
let records = 0;
for await (const { key, value } of mill.read(prices, { until: "end" })) {
  records += 1;
  if (value === undefined) table.delete(key);
  else table.set(key, value.cents);
}

console.log(records < 3_002 ? "fewer records than were sent" : "all records are there");
console.log(`EUR ${table.get("EUR")}, USD ${table.get("USD")}, DEM ${table.get("DEM")}`);

// Output:
// fewer records than were sent
// EUR 3000, USD 2999, DEM undefined

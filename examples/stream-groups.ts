/**
 * A stream keeps what was sent. Each group reads all of it at its own pace, and one that comes later begins at the beginning.
 * Messages with the same key are in one partition, and so in order.
 */
import { open, stream } from "millrace";

interface Reading {
  readonly sensor: string;
  readonly celsius: number;
}

const readings = stream<Reading>("readings", { partitions: 3, key: (reading) => reading.sensor });

await using mill = await open("memory:");

await mill.sendAll(readings, [
  { sensor: "roof", celsius: 18 },
  { sensor: "cellar", celsius: 11 },
  { sensor: "roof", celsius: 21 },
  { sensor: "roof", celsius: 25 },
]);

async function group(name: string, count: number): Promise<Reading[]> {
  const seen: Reading[] = [];
  await new Promise<void>((resolve) => {
    mill.handle(
      readings,
      (reading) => {
        if (seen.push(reading) === count) resolve();
      },
      { group: name },
    );
  });
  return seen;
}

const [alarm, archive] = await Promise.all([group("alarm", 4), group("archive", 4)]);
console.log(`alarm saw ${alarm.length}, archive saw ${archive.length}`);
console.log(
  `the roof, in order: ${alarm
    .filter(({ sensor }) => sensor === "roof")
    .map(({ celsius }) => celsius)
    .join(" ")}`,
);

const late = await group("statistics", 4);
console.log(`statistics, which came later, saw ${late.length}`);

for (const { name, members } of (await mill.admin.groups(readings)).toSorted((a, b) => a.name.localeCompare(b.name))) {
  console.log(`group ${name}: ${members} member`);
}

// Output:
// alarm saw 4, archive saw 4
// the roof, in order: 18 21 25
// statistics, which came later, saw 4
// group alarm: 1 member
// group archive: 1 member
// group statistics: 1 member

/** Sends to a directory, and says on its standard output what was acknowledged, by a call of its own for each. */
import fs from "node:fs";
import { open, queue, silentLogger, text } from "millrace";

const [directory = "", rounds = "1", width = "1"] = process.argv.slice(2);
const work = queue("work", { codec: text });
const broker = await open(directory, { logger: silentLogger });

async function sendOne(number: number): Promise<void> {
  await broker.send(work, `message ${number};`);
  fs.writeSync(1, `ack ${number};\n`);
}

for (let round = 0; round < Number(rounds); round++) {
  const first = round * Number(width);
  await Promise.all(Array.from({ length: Number(width) }, (_, index) => sendOne(first + index)));
}
await broker.close();

/** Kills a working process again and again: `node build/test/kill/main.js --kill N --seed S`. */
import { parseArgs } from "node:util";
import { kill } from "./kill.js";

const { values } = parseArgs({
  options: {
    kill: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Math.floor(Date.now() % 1_000_000)) },
  },
});

const result = await kill(Number(values.kill), Number(values.seed), (line) => console.log(line));
for (const what of result.wrong.slice(0, 20)) console.error(`  ${what}`);
if (result.directory === undefined) console.log(`${result.kills} kills: every promise is kept`);
else {
  console.error(`FAILED after ${result.kills} kills; what is left is in ${result.directory}`);
  process.exitCode = 1;
}

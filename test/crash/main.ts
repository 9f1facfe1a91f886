/** `npm run crash`: explores crash states of the real engine. `--states N`, `--seed S`, `--kill N`. */
import { parseArgs } from "node:util";
import { campaign } from "./campaign.js";
import { describe } from "./operations.js";

const { values } = parseArgs({
  options: {
    states: { type: "string", default: "200000" },
    seed: { type: "string", default: String(Math.floor(Date.now() % 1_000_000)) },
    kill: { type: "string" },
  },
});

if (values.kill === undefined) await explore(Number(values.states), Number(values.seed));

async function explore(states: number, seed: number): Promise<void> {
  console.log(`seed ${seed}`);
  const result = await campaign({ states, seed, report: (line) => console.log(line) });
  if (result.failure === undefined) {
    console.log(`${result.states} states, ${result.sequences} sequences, ${Math.round(result.states / result.seconds)} states/s: every promise is kept`);
    return;
  }
  const { operations, call, style, recoveryCall, what } = result.failure;
  console.error(`FAILED after ${result.states} states: ${what}`);
  console.error(`crash at call ${call} (${style})${recoveryCall === undefined ? "" : `, recovery crashed at call ${recoveryCall}`}, seed ${seed}; the shortest operations that show it:`);
  console.error(describe(operations));
  process.exitCode = 1;
}

/**
 * `npm run crash`: explores crash states of the real engine.
 * `--states N`, `--seed S`; `--scene NAME` stays in one scene; `--workload W` runs one of the seed's workloads alone; `--replay FILE` explores the operations in a file.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { kill } from "../kill/kill.js";
import { campaign, replay } from "./campaign.js";
import type { Failure } from "./explorer.js";
import { describe, parseOperations } from "./operations.js";

const { values } = parseArgs({
  options: {
    states: { type: "string", default: "200000" },
    seed: { type: "string", default: String(Math.floor(Date.now() % 1_000_000)) },
    workload: { type: "string" },
    scene: { type: "string" },
    replay: { type: "string" },
    kill: { type: "string" },
  },
});

if (values.replay !== undefined) await explore(values.replay);
else if (values.kill === undefined) await run(Number(values.states), Number(values.seed));
else await killed(Number(values.kill), Number(values.seed));

async function killed(rounds: number, seed: number): Promise<void> {
  const { wrong, directory } = await kill(rounds, seed, (line) => console.log(line));
  if (wrong.length === 0) {
    console.log(`${rounds} kills: every promise is kept`);
    return;
  }
  process.exitCode = 1;
  for (const each of wrong) console.error(`  ${each}`);
  console.error(`FAILED; what is left is in ${directory}`);
}

async function run(states: number, seed: number): Promise<void> {
  console.log(`seed ${seed}`);
  const only = values.workload === undefined ? {} : { workload: Number(values.workload) };
  const where = values.scene === undefined ? {} : { scene: values.scene };
  const result = await campaign({ states, seed, ...only, ...where, report: (line) => console.log(line) });
  const { failure } = result;
  if (failure === undefined) {
    console.log(
      `${result.states} states, ${result.workloads} workloads, ${Math.round(result.states / result.seconds)} states/s: every promise is kept`,
    );
    return;
  }
  console.error(`FAILED after ${result.states} states, in workload ${failure.workload} of seed ${seed}`);
  say(failure);
  console.error("the fewest operations that show a failure:");
  say(failure.shortest);
  console.error(describe(failure.shortest.operations));
}

async function explore(file: string): Promise<void> {
  const { states, failure } = await replay(parseOperations(readFileSync(file, "utf8")));
  if (failure === undefined) console.log(`${states} states: every promise is kept`);
  else say(failure);
}

function say({ what, call, style }: Failure): void {
  process.exitCode = 1;
  console.error(`  ${what}`);
  console.error(`  crash at call ${call} (${style})`);
}

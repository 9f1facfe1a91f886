/** Prints where a `.cpuprofile` says the time was spent. See profile.md. */
import { readFileSync } from "node:fs";

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}
interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

const rowsMax = 40;

const place = (url: string): string => url.replace(/^file:\/\/.*?\/((?:build|dist|node_modules)\/)/, "$1");

function byFunction({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const names = new Map(
    nodes.map(({ id, callFrame }) => {
      const where = callFrame.url === "" ? "" : ` ${place(callFrame.url)}:${callFrame.lineNumber + 1}`;
      return [id, `${callFrame.functionName || "(anonymous)"}${where}`];
    }),
  );
  const spent = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? "?";
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return spent;
}

function byLine({ nodes }: Profile): Map<string, number> {
  const ticks = new Map<string, number>();
  for (const { callFrame, positionTicks = [] } of nodes) {
    for (const { line, ticks: count } of positionTicks) {
      const name = `${place(callFrame.url)}:${line} ${callFrame.functionName}`;
      ticks.set(name, (ticks.get(name) ?? 0) + count);
    }
  }
  return ticks;
}

const [path, flag] = process.argv.slice(2);
if (path === undefined) throw new TypeError("which .cpuprofile?");
const profile = JSON.parse(readFileSync(path, "utf8")) as Profile;
const spent = flag === "--lines" ? byLine(profile) : byFunction(profile);
const total = [...spent.values()].reduce((sum, each) => sum + each, 0);
for (const [name, amount] of [...spent].toSorted(([, one], [, other]) => other - one).slice(0, rowsMax)) {
  console.log(`${((amount / total) * 100).toFixed(1).padStart(5)} %  ${name}`);
}

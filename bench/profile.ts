/** Where the time of a contender goes: the profiler of V8 around its measured work, and nothing else. See profile.md. */
import { writeFileSync } from "node:fs";
import type { Profiler } from "node:inspector";
import { Session } from "node:inspector/promises";

type Profile = Profiler.Profile;
type ProfileNode = Profiler.ProfileNode;

const samplingIntervalUs = 200;
const rowsMax = 45;

/** Where the time of starting and ending the profile is booked. */
const profilerItself = "dispatch";

/** Runs `work`, writes the profile to `path`, and returns where the time was spent. */
export async function profiled(work: () => Promise<unknown>, path: string): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: samplingIntervalUs });
  await session.post("Profiler.start");
  await work();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  writeFileSync(path, JSON.stringify(profile));
  return hottest(profile);
}

/** The functions in which most time was spent itself, most first: share, name, place. */
export function hottest({ nodes, samples = [], timeDeltas = [] }: Profile): readonly string[] {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const spent = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? "?";
    if (name === profilerItself) continue;
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const total = [...spent.values()].reduce((sum, each) => sum + each, 0);
  return [...spent]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, rowsMax)
    .map(([name, time]) => `${((time / total) * 100).toFixed(1).padStart(5)} %  ${name}`);
}

function nameOf({ callFrame }: ProfileNode): string {
  const { functionName, url, lineNumber } = callFrame;
  const place = url.replace(/^file:\/\/.*?\/((?:build|dist|node_modules)\/)/, "$1");
  return `${functionName || "(anonymous)"}${place === "" ? "" : `  ${place}:${lineNumber + 1}`}`;
}

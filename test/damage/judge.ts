/** What damage to one file may change, and what not. Short enough to be checked by reading. */
import type { Commit } from "./decoding.js";
import type { Seen } from "./subject.js";

/** The numbers of the channels and groups, as the meta journal gave them. */
const topicOf: Readonly<Record<string, string>> = { jobs: "1", events: "2", news: "3" };
const groupOf: Readonly<Record<string, number>> = { jobs: 1, "news:a": 4, "news:b": 5, events: 6 };

export interface Case {
  readonly path: string;
  /** Commits that recovery does not take in any more. */
  readonly missedCommits: readonly Commit[];
  readonly intact: Seen;
  readonly seen: Seen;
  readonly said: readonly string[];
  /** The value that stands at "channel/partition/offset". */
  readonly valueAt: (place: string) => string | undefined;
}

/** undefined: it was detected and confined. Otherwise what is wrong, in words. */
export function judge(damage: Case): string | undefined {
  const { intact, seen } = damage;
  if (seen.channels.join() !== intact.channels.join()) return `there are the channels ${seen.channels.join()}`;
  for (const [reader, shown] of Object.entries(seen.messages)) {
    const before = intact.messages[reader] as ReadonlyMap<string, string>;
    for (const [place, value] of shown)
      if (value !== damage.valueAt(place)) return `${place} has the wrong payload ${value}`;
    const missing = [...before.keys()].filter((place) => !shown.has(place));
    const returned = [...shown.keys()].filter((place) => !before.has(place));
    const wrong = judgeMissing(damage, missing) ?? judgeReturned(damage, reader, returned);
    if (wrong !== undefined) return `${reader}: ${wrong}`;
  }
  return judgeProgress(damage);
}

function judgeMissing(damage: Case, missing: readonly string[]): string | undefined {
  for (const place of missing) {
    const [channel = "", partition = "", offset = ""] = place.split("/");
    const stored = `${topicOf[channel]}/${partition}/${offset}`;
    const inCommit = damage.missedCommits.some(({ offsets }) => offsets.includes(stored));
    const inFile = damage.path.startsWith(`t/${topicOf[channel]}/${partition}/`);
    if (!inCommit && !inFile) return `${place} is missing, though the damage is elsewhere`;
    const told = inCommit ? damage.said.some((line) => /^(error|warn): wal\//.test(line)) : isTold(damage.said, stored);
    if (!told && !(inFile && isTold(damage.said, stored))) return `${place} is missing, and nothing was said of it`;
  }
  return undefined;
}

function isTold(said: readonly string[], stored: string): boolean {
  const [topic, partition, offset] = stored.split("/");
  return said.some((line) => {
    const [, from, to] = /lost: offsets (\d+) to (\d+)$/.exec(line) ?? [];
    return (
      line.includes(` t/${topic}/${partition}: `) && Number(from) <= Number(offset) && Number(offset) <= Number(to)
    );
  });
}

/** What was settled may come back only to a group whose own pages, or whose own commits, are damaged. */
function judgeReturned(damage: Case, reader: string, returned: readonly string[]): string | undefined {
  if (returned.length === 0) return undefined;
  const group = groupOf[reader] as number;
  const inCommit = damage.missedCommits.some(({ groups }) => groups.includes(group));
  const inPages = damage.path.startsWith(`g/${group}/`);
  if (!inCommit && !inPages) return `${returned.join()} came back, though the damage is elsewhere`;
  const isSaid = damage.said.some((line) => /^(error|warn): (wal|g)\//.test(line));
  return isSaid ? undefined : `${returned.join()} came back, and nothing was said of it`;
}

function judgeProgress({ intact, seen, path, missedCommits }: Case): string | undefined {
  if (intact.committed.join() === seen.committed.join()) return undefined;
  const mayChange =
    path.startsWith("t/2/") ||
    path.startsWith(`g/${groupOf["events"]}/`) ||
    missedCommits.some(({ offsets, groups }) => groups.includes(6) || offsets.some((place) => place.startsWith("2/")));
  return mayChange
    ? undefined
    : `the stream's group is at ${seen.committed.join()} instead of ${intact.committed.join()}`;
}

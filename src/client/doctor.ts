import type { ChannelSpec, DriverAdmin } from "../driver.js";
import { defaults } from "./defaults.js";
import { deadEnding, deadLetterName } from "./names.js";
import type { Complaint, Declaration, Examined, WaitingMessage } from "./pitfall.js";
import { type PitfallName, pitfallNames, pitfalls } from "./pitfalls/all.js";

/** A mistake that was found on a channel, and the way out of it. */
export interface Diagnosis extends Complaint {
  readonly channel: string;
  readonly pitfall: PitfallName;
}

export interface Patient {
  /** As programs declare them: what is not stored, such as attempts and pauses, is known of these only. */
  readonly declared: readonly Declaration[];
  readonly handlerMs: number | undefined;
}

/** Looks at every channel that is declared or stored, for each pitfall. Changes nothing. */
export async function diagnose(admin: DriverAdmin, { declared, handlerMs }: Patient): Promise<readonly Diagnosis[]> {
  const stored = new Set((await admin.channels()).map(({ name }) => name));
  const byName = new Map(declared.map((channel) => [channel.name, channel]));
  const found: Diagnosis[] = [];
  for (const name of [...new Set([...byName.keys(), ...stored])].toSorted()) {
    // Dead letters are looked at with the channel they are from.
    if (name.endsWith(deadEnding)) continue;
    const channel = byName.get(name);
    const spec = stored.has(name) ? await admin.describe(name) : channel?.spec;
    if (spec === undefined) continue;
    const examined = await examine(admin, { spec, declared: channel, handlerMs, stored });
    for (const pitfall of pitfallNames) {
      const complaint = pitfalls[pitfall].look(examined);
      if (complaint !== undefined) found.push({ channel: name, pitfall, ...complaint });
    }
  }
  return found;
}

interface Subject {
  readonly spec: ChannelSpec;
  readonly declared: Declaration | undefined;
  readonly handlerMs: number | undefined;
  readonly stored: ReadonlySet<string>;
}

async function examine(admin: DriverAdmin, { spec, declared, handlerMs, stored }: Subject): Promise<Examined> {
  const { name } = spec;
  const nothing = { name, spec, declared, handlerMs, stats: undefined, groups: [], waiting: [] } as const;
  if (!stored.has(name)) return { ...nothing, dead: { messages: 0, oldestMs: 0 } };
  const groups = spec.durable ? await admin.groups(name) : [];
  const names = spec.kind === "queue" ? [""] : groups.map((group) => group.name);
  return {
    ...nothing,
    stats: await admin.stats(name),
    groups,
    waiting: spec.durable ? await sample(admin, name, names[0]) : [],
    dead: await countDead(admin, { name, groups: names, stored }),
  };
}

/** The first that wait, of a queue or of the first group. */
async function sample(admin: DriverAdmin, name: string, group: string | undefined): Promise<readonly WaitingMessage[]> {
  if (group === undefined) return [];
  const found = await admin.peek(name, { group, limit: defaults.doctor.sample, after: undefined, state: undefined });
  return found.map(({ key, attempts }) => ({ key, attempts }));
}

async function countDead(
  admin: DriverAdmin,
  of: { readonly name: string; readonly groups: readonly string[]; readonly stored: ReadonlySet<string> },
): Promise<Examined["dead"]> {
  let messages = 0;
  let oldestMs = 0;
  for (const group of of.groups) {
    const dead = deadLetterName(of.name, group);
    if (!of.stored.has(dead)) continue;
    const stats = await admin.stats(dead);
    messages += stats.messages;
    oldestMs = Math.max(oldestMs, stats.oldestMs ?? 0);
  }
  return { messages, oldestMs };
}

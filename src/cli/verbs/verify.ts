import type { Command } from "commander";
import { hasCode } from "../../base/errors.js";
import { type DirectoryLock, lockDirectory } from "../../disk/lock.js";
import { nodeDisk } from "../../disk/node.js";
import { assertDirectoryThere, requireDirectory } from "../address.js";
import type { Call } from "../call.js";
import { CommandError } from "../failure.js";
import { Progress } from "../progress.js";
import { formatCount, formatCounted } from "../units.js";
import type { Verb } from "../verb.js";
import { type PlacedFinding, Verification, type VerificationTally } from "../verification.js";

export const verify: Verb<unknown> = {
  declare(command: Command): void {
    command
      .argument("[directory]", "which data directory (default: that of --on)")
      .addHelpText(
        "after",
        "\nChanges nothing. Nobody may have the directory open meanwhile.\nExit code 1 when something that was acknowledged is lost; what is damaged and not lost is told, and is no failure.",
      );
  },

  async run(call: Call): Promise<void> {
    const address = call.operands[0] ?? call.on;
    const directory = requireDirectory(address, "verify");
    assertDirectoryThere(address);
    const lock = lockIfPossible(directory);
    try {
      await check(call, new Verification(nodeDisk(directory)));
    } finally {
      lock?.release();
    }
  },
};

async function check(call: Call, verification: Verification): Promise<void> {
  const progress = new Progress(call.io.clock, call.notes, "records");
  let found = 0;
  let losses = 0;
  for (const finding of verification.run()) {
    await progress.at(verification.tally.records, verification.share);
    if (call.signal.aborted) break;
    if (finding === undefined) continue;
    found += 1;
    if (finding.lost !== undefined) losses += 1;
    await progress.clear();
    await call.out.line(call.json ? JSON.stringify(view(finding)) : render(finding));
  }
  await progress.clear();
  call.assertNotInterrupted(`stopped; ${formatCounted(found, "finding")} before that`);
  const looked = tallied(verification.tally);
  if (losses === 0) return call.note(`${found === 0 ? "all is well" : "nothing is lost"}: ${looked}`);
  const said = `${formatCount(losses)} of ${formatCounted(found, "finding")} ${losses === 1 ? "says" : "say"} that something acknowledged is lost`;
  throw new CommandError("DAMAGE_FOUND", `${said}: ${looked}`);
}

function tallied({ channels, segments, records, commits }: VerificationTally): string {
  const places = `${formatCounted(records, "record")} in ${formatCounted(segments, "segment")}`;
  return `${formatCounted(channels, "channel")}, ${places}, ${formatCounted(commits, "commit")} behind the checkpoint`;
}

function render(finding: PlacedFinding): string {
  const { file, what, lost, channel, partition } = finding;
  const whose = channel === undefined ? "" : ` (${channel}, partition ${partition ?? 0})`;
  return `${file}${whose}: ${what}; ${lost === undefined ? "nothing is lost" : `lost: ${lost}`}`;
}

function view(finding: PlacedFinding): unknown {
  const { kind, file, channel, partition, what, lost } = finding;
  return { kind, file, channel: channel ?? null, partition: partition ?? null, what, lost: lost ?? null };
}

/** What nobody can write to, nobody changes. */
function lockIfPossible(directory: string): DirectoryLock | undefined {
  try {
    return lockDirectory(directory);
  } catch (error) {
    if (hasCode(error, "DISK_READ_ONLY") || hasCode(error, "DISK_FULL")) return undefined;
    throw error;
  }
}

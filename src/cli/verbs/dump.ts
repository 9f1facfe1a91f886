import { dirname, relative, resolve, sep } from "node:path";
import type { Command } from "commander";
import type { Disk } from "../../disk/disk.js";
import { nodeDisk } from "../../disk/node.js";
import type { DumpLine } from "../../log/dump/wal-dump.js";
import { assertDirectoryThere, requireDirectory } from "../address.js";
import type { Call } from "../call.js";
import { CommandError } from "../failure.js";
import { type DumpOptions, type FileKind, fileKindOf, isDirectory } from "../file-kinds.js";
import { withoutControls } from "../payload.js";
import { type Column, tableLines } from "../table.js";
import { formatBytes } from "../units.js";
import type { Verb } from "../verb.js";

/** A file of a data directory. */
interface Target {
  readonly disk: Disk;
  /** Within the data directory, with "/" between names. */
  readonly path: string;
  readonly kind: FileKind;
}

interface DumpVerbOptions {
  readonly records?: boolean;
}

export const dump: Verb<DumpVerbOptions> = {
  declare(command: Command): void {
    command
      .argument("[file]", "a file, by its path or its place in the data directory (default: lists the files there are)")
      .option("--records", "of a segment, every record of each batch too")
      .addHelpText(
        "after",
        "\nReads without opening: nothing is changed, and another process may have the directory open.",
      );
  },

  async run(call: Call, options: DumpVerbOptions): Promise<void> {
    const [file] = call.operands;
    if (file === undefined) await listFiles(call);
    else await printStructure(call, targetOf(call, file), { records: options.records === true });
  },
};

async function printStructure(call: Call, { disk, path, kind }: Target, options: DumpOptions): Promise<void> {
  if (kind.dump === undefined) {
    throw new CommandError(
      "USAGE",
      `${path} (${kind.name}) has no structure to print: millrace dump without a file lists those that have`,
    );
  }
  for (const line of kind.dump(disk, path, options)) {
    await call.out.line(call.json ? JSON.stringify(line) : render(line));
    if (call.signal.aborted) break;
  }
  call.assertNotInterrupted("stopped printing");
}

function render({ position, what, fields }: DumpLine): string {
  const told = Object.entries(fields).map(([name, value]) => `${name}=${withoutControls(String(value))}`);
  return [String(position).padStart(12), what.padEnd(12), ...told].join("  ").trimEnd();
}

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly kind: FileKind;
}

const columns: readonly Column<FoundFile>[] = [
  { title: "file", of: (each) => each.path },
  { title: "size", of: (each) => formatBytes(each.bytes), align: "right" },
  { title: "what", of: (each) => each.kind.name },
];

async function listFiles(call: Call): Promise<void> {
  const directory = requireDirectory(call.on, "dump");
  assertDirectoryThere(call.on);
  const found = [...filesIn(nodeDisk(directory), "")].toSorted((one, other) => (one.path < other.path ? -1 : 1));
  if (call.json) {
    for (const { path, bytes, kind } of found) await call.object({ file: path, bytes, kind: kind.name });
    return;
  }
  for (const line of tableLines(columns, found)) await call.out.line(line);
}

function* filesIn(disk: Disk, directory: string): Generator<FoundFile> {
  for (const name of disk.list(directory)) {
    const path = directory === "" ? name : `${directory}/${name}`;
    if (isDirectory(disk, path)) yield* filesIn(disk, path);
    else yield { path, bytes: sizeOf(disk, path), kind: fileKindOf(path) };
  }
}

function sizeOf(disk: Disk, path: string): number {
  const file = disk.open(path, "read");
  try {
    return file.size();
  } finally {
    file.close();
  }
}

/** A path of this machine, or else a place in the data directory of `--on`. */
function targetOf(call: Call, file: string): Target {
  const directory = requireDirectory(call.on, "dump");
  const absolute = resolve(file);
  const candidates = [
    { root: directory, path: placeIn(directory, resolve(directory, file)) },
    { root: directory, path: placeIn(directory, absolute) },
    ...rootsAbove(absolute).map((root) => ({ root, path: placeIn(root, absolute) })),
  ];
  for (const { root, path } of candidates) {
    if (path === undefined || !nodeDisk(root).exists(path)) continue;
    return { disk: nodeDisk(root), path, kind: fileKindOf(path) };
  }
  throw new CommandError(
    "FILE_UNREADABLE",
    `there is no file ${file}, here or in ${directory}: millrace dump without a file lists what there is`,
  );
}

/** The data directories that a file may be in: what lies above it and has a meta journal. */
function rootsAbove(file: string): string[] {
  const above: string[] = [];
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (nodeDisk(folder).exists("meta")) above.push(folder);
  }
  return above;
}

function placeIn(root: string, file: string): string | undefined {
  const path = relative(root, file).split(sep).join("/");
  return path === "" || path.startsWith("..") ? undefined : path;
}

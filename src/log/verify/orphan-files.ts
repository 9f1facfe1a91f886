import type { Disk } from "../../disk/disk.js";
import type { Finding } from "../finding.js";
import { metaDirectory, mirrorNames } from "../meta/mirror.js";
import { type PageFileFacts, pathOf } from "../pages/page-store.js";
import { segmentsDirectory } from "../partition/partitions.js";
import { walDirectory } from "../wal/files.js";

const pagesDirectories = ["g", "d"];

export interface NamedFiles {
  /** Paths of segment files and of their indexes. */
  readonly segments: ReadonlySet<string>;
  readonly pageFiles: readonly PageFileFacts[];
}

/**
 * Files in our own folders that nothing refers to. A process that died left them: a segment or a page file it had not yet
 * named in a checkpoint, or one it had not yet removed; a file it had not finished. They cost nothing but room.
 */
export function* orphanFiles(disk: Disk, named: NamedFiles): Generator<Finding> {
  const pages = new Set(named.pageFiles.map(pathOf));
  const groups: readonly (readonly [string, (path: string) => boolean])[] = [
    [segmentsDirectory, (path) => named.segments.has(path)],
    ...pagesDirectories.map((directory) => [directory, (path: string) => pages.has(path)] as const),
    [metaDirectory, (path) => mirrorNames.some((name) => path === `${metaDirectory}/${name}`)],
    [walDirectory, (path) => path.endsWith(".wal")],
  ];
  for (const [directory, isNamed] of groups) {
    for (const path of filesUnder(disk, directory)) if (!isNamed(path)) yield orphan(path);
  }
}

function orphan(file: string): Finding {
  const what = "nothing refers to this file: a process that died has left it";
  return { kind: "orphan-file", file, what, lost: undefined };
}

/** Our files have an ending, or are mirrors; our folders are numbers. */
function* filesUnder(disk: Disk, directory: string): Generator<string> {
  for (const name of disk.list(directory).sort()) {
    const path = `${directory}/${name}`;
    if (/^\d+$/.test(name)) yield* filesUnder(disk, path);
    else yield path;
  }
}

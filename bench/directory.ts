/** Where the data of a run lies, and that it is gone afterwards. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of our package.json, from the sources as well as from what the compiler made of them. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isProject(join(folder, "package.json"))) {
    if (dirname(folder) === folder) throw new Error("the benchmark must lie inside the project");
    folder = dirname(folder);
  }
  return folder;
}

function isProject(path: string): boolean {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { name?: unknown }).name === "millrace";
  } catch {
    return false;
  }
}

export class WorkDirectory {
  readonly path: string;

  constructor(parent: string | undefined) {
    const folder = parent === undefined ? join(projectRoot(), ".cache") : resolve(parent);
    mkdirSync(folder, { recursive: true });
    this.path = mkdtempSync(join(folder, "bench-"));
  }

  /** Empty, and its own. */
  subdirectory(name: string): string {
    const path = join(this.path, name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
    return path;
  }

  /** The kind of file system, and a warning when a sync there costs nothing. Linux only; empty elsewhere. */
  describe(): string {
    const mount = mountOf(this.path);
    if (mount === undefined) return this.path;
    const warning = mount === "tmpfs" || mount === "ramfs" ? " — THIS IS MEMORY: syncs cost nothing, take --data" : "";
    return `${this.path} (${mount})${warning}`;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function mountOf(path: string): string | undefined {
  try {
    const mounts = readFileSync("/proc/mounts", "utf8").trim().split("\n");
    const holding = mounts
      .map((line) => line.split(" "))
      .filter(([, at = ""]) => at === "/" || path === at || path.startsWith(`${at}/`))
      .toSorted(([, one = ""], [, other = ""]) => other.length - one.length);
    return holding[0]?.[2];
  } catch {
    return undefined;
  }
}

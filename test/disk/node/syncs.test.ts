import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("syncing.mjs", import.meta.url));
const straceInstalled = spawnSync("strace", ["-V"]).status === 0;

/** The syncs the system saw, in order, as "fsync <path>". */
function tracedSyncs(base: string, root: string): string[] {
  const traceFile = join(base, "trace");
  const command = ["-f", "-y", "-qq", "-o", traceFile, "-e", "trace=fsync,fdatasync", process.execPath, program, root];
  expect(spawnSync("strace", command, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  const calls = readFileSync(traceFile, "utf8").matchAll(/(fsync|fdatasync)\(\d+<([^>]*)>/g);
  return [...calls].map(([, call, path]) => `${call} ${path}`);
}

test.runIf(straceInstalled)("the system sees a sync of each file and directory, and of those above the root", () => {
  const base = mkdtempSync(join(tmpdir(), "millrace-syncs-"));
  const root = join(base, "new", "data");
  expect(tracedSyncs(base, root)).toEqual([
    `fsync ${join(base, "new")}`,
    `fsync ${base}`,
    `fdatasync ${join(root, "d", "file")}`,
    `fsync ${join(root, "d")}`,
    `fsync ${root}`,
    `fsync ${join(base, "new")}`,
  ]);
  rmSync(base, { recursive: true });
});

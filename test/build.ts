import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Runs once before the suite: some tests start real processes (examples, kills, the command line), and these run what
 * the compiler emitted. Unchanged sources cost a second. Type errors do not end the run here: `npm run types` tells
 * them, and a missing file fails the test that needs it.
 */
export function setup(): void {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  for (const project of ["tsconfig.build.json", "tsconfig.tools.json"]) {
    const result = spawnSync(process.execPath, [tsc, "-p", project], { cwd: root, encoding: "utf8" });
    if (result.error !== undefined) throw new Error(`could not run tsc -p ${project}`, { cause: result.error });
    if (result.status !== 0) process.stderr.write(`tsc -p ${project} found errors:\n${result.stdout}`);
  }
}

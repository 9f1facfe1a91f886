/**
 * A process that locks. `hold <root>` takes the lock, says what came of it, and keeps it until it is killed or its
 * standard input ends. `contend <root> <rounds>` takes and leaves it again and again, half of the time as if it had died
 * with it, and says how often it had it together with somebody else.
 */
import { closeSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { lockDirectory } from "../../../dist/disk/lock.js";

const [mode, root, rounds] = process.argv.slice(2);

function attempt() {
  try {
    return lockDirectory(root);
  } catch (error) {
    if (error.code !== "LOCKED") throw error;
    return error;
  }
}

function hold() {
  const lock = attempt();
  process.stdout.write(`${lock instanceof Error ? lock.message : "locked"}\n`);
  process.stdin.resume();
  process.stdin.on("end", () => {
    if (!(lock instanceof Error)) lock.release();
  });
}

/** A process of this machine that surely does not run: pids end at 2^22. */
function leaveAsDead(path) {
  const owner = JSON.parse(readFileSync(path, "utf8"));
  const draft = `${root}/dead-${process.pid}`;
  writeFileSync(draft, JSON.stringify({ ...owner, pid: 2 ** 22 + 1 }));
  renameSync(draft, path);
}

function contend() {
  const alone = `${root}/alone`;
  const counts = { taken: 0, refused: 0, together: 0 };
  for (let round = 0; round < Number(rounds); round += 1) {
    const lock = attempt();
    if (lock instanceof Error) {
      counts.refused += 1;
      continue;
    }
    counts.taken += 1;
    try {
      closeSync(openSync(alone, "wx"));
      unlinkSync(alone);
    } catch {
      counts.together += 1;
    }
    if (round % 2 === 0) leaveAsDead(lock.path);
    else lock.release();
  }
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}

if (mode === "hold") hold();
else contend();

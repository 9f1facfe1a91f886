import * as fs from "node:fs";
import { resolve } from "node:path";
import { assert } from "../base/assert.js";
import { type Clock, systemClock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import { type Random, systemRandom } from "../base/random.js";
import { diskFailure, systemCodeOf } from "./failure.js";
import { type Owner, ownerIn, standingOf, thisProcess } from "./owner.js";

/** While it is held, no other process and nobody else in this one gets it. */
export interface DirectoryLock {
  readonly path: string;
  /** Gives the directory free. A second time is harmless, and a lock that is no longer ours stays. */
  release(): void;
}

/**
 * Locks the directory by a file LOCK in it that names its owner.
 *
 * A lock whose owner is dead is taken over. Of several processes that try, exactly one must succeed, and none may
 * remove what another has just made. So a lock file is only ever
 *   - created by `link`, which does so with its content and fails when there is one,
 *   - removed by its owner while it lives,
 *   - replaced, once its owner is dead, by who holds "<lock>.next": a lock of the same kind. The rename that replaces
 *     it gives up the other in the same step.
 * A process that dies in between leaves a dead "<lock>.next", which is taken over by way of "<lock>.next.next".
 *
 * @throws MillraceError LOCKED while somebody has it, or may have it.
 */
export function lockDirectory(root: string, clock: Clock = systemClock, random: Random = systemRandom): DirectoryLock {
  const directory = resolve(root);
  const path = `${directory}/LOCK`;
  const owner = thisProcess(clock, random);
  const draft = `${path}-${owner.pid}-${owner.token}`;
  try {
    writeDurably(draft, JSON.stringify(owner, null, 2));
    try {
      take(path, draft);
    } finally {
      fs.unlinkSync(draft);
    }
    removeDraftsOfTheDead(directory);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw diskFailure({ where: directory, action: "lock", path: "" }, error);
  }
  return { path, release: () => releaseIfOurs(path, owner) };
}

/** More than once only when others come and go in the very moment. */
const attemptsMax = 100;

function take(path: string, draft: string): void {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (linked(draft, path)) return;
    const dead = deadOwnerOf(path);
    if (dead === undefined) continue;
    const next = `${path}.next`;
    take(next, draft);
    // Somebody may have replaced it between our look and our turn.
    if (ownerOf(path)?.token === dead.token) {
      fs.renameSync(next, path);
      return;
    }
    fs.unlinkSync(next);
  }
  assert(false, `${path} changed its owner ${attemptsMax} times while we looked`);
}

/** The owner of a lock nobody needs to respect; undefined when the lock has just gone. Throws when it is respected. */
function deadOwnerOf(path: string): Owner | undefined {
  const owner = ownerOf(path);
  if (owner === undefined) return undefined;
  const standing = standingOf(owner);
  if (standing === "gone") return owner;
  const holder = `process ${owner.pid}${owner.pid === process.pid ? " (this one)" : ""} on host ${owner.host}`;
  const message =
    standing === "runs"
      ? `${path} is held by ${holder} since ${owner.openedAt}. Close it there or end that process, or open another directory.`
      : `${path} is held by ${holder} since ${owner.openedAt}, and from this host nobody can tell whether it still runs. ` +
        `See to it that it does not, then remove ${path}.`;
  throw new MillraceError("LOCKED", message);
}

function ownerOf(path: string): Owner | undefined {
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const owner = ownerIn(text);
  if (owner !== undefined) return owner;
  const message = `${path} does not say who holds it: it is damaged, or of another program. When no process uses the directory, remove it.`;
  throw new MillraceError("LOCKED", message);
}

function linked(draft: string, path: string): boolean {
  try {
    fs.linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function releaseIfOurs(path: string, owner: Owner): void {
  try {
    if (ownerOf(path)?.token === owner.token) fs.unlinkSync(path);
  } catch (error) {
    if (error instanceof MillraceError) return;
    throw diskFailure({ where: path, action: "release", path: "" }, error);
  }
}

/** On the medium before it has a name that counts: a lock without content would hold for ever. */
function writeDurably(path: string, text: string): void {
  const descriptor = fs.openSync(path, "wx");
  try {
    fs.writeSync(descriptor, text);
    fs.fsyncSync(descriptor);
  } catch (error) {
    // On a full disk it would stay behind for ever: it names nobody who could be found dead.
    fs.unlinkSync(path);
    throw error;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** A process that dies while it takes the lock leaves its draft behind. */
function removeDraftsOfTheDead(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    if (!name.startsWith("LOCK-")) continue;
    const owner = readDraft(`${directory}/${name}`);
    if (owner !== undefined && standingOf(owner) === "gone") fs.rmSync(`${directory}/${name}`, { force: true });
  }
}

function readDraft(path: string): Owner | undefined {
  try {
    return ownerIn(fs.readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

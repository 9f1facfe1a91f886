import { assert } from "../base/assert.js";

/**
 * Paths on a disk are ours alone: names that come from outside never become one. So a path that leaves the root,
 * or that means different things to different systems, is a defect and not a user's mistake.
 */
export function assertPath(path: string): void {
  if (path === "") return;
  // Asked at every call to the disk: nothing is put into words before something is wrong.
  if (!strange.test(path) && !path.includes("\0")) return;
  assert(false, `not a path inside the disk's root, or one with a NUL or a backslash: ${JSON.stringify(path)}`);
}

/** A name that is empty, "." or ".."; or a backslash. */
const strange = /(?:^|\/)\.{0,2}(?:\/|$)|\\/;

/** The directory that holds `path`; "" is the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The last name of `path`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

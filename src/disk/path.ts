import { assert } from "../base/assert.js";

/**
 * Paths on a disk are ours alone: names that come from outside never become one. So a path that leaves the root,
 * or that means different things to different systems, is a defect and not a user's mistake.
 */
export function assertPath(path: string): void {
  if (path === "") return;
  assert(!path.includes("\0") && !path.includes("\\"), `a path holds a NUL or a backslash: ${JSON.stringify(path)}`);
  for (const name of path.split("/")) {
    assert(name !== "" && name !== "." && name !== "..", `not a path inside the disk's root: ${JSON.stringify(path)}`);
  }
}

/** The directory that holds `path`; "" is the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The last name of `path`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

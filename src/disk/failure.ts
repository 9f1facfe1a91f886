import { AssertionError } from "../base/assert.js";
import { MillraceError, type ErrorCode } from "../base/errors.js";

/** What was tried, for the message: "cannot <action> <path> in <where>", or of the directory itself "cannot <action> <where>". */
export interface Attempt {
  readonly where: string;
  readonly action: string;
  readonly path: string;
}

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "DISK_FULL",
  EDQUOT: "DISK_FULL",
  EFBIG: "DISK_FULL",
  EROFS: "DISK_READ_ONLY",
  EACCES: "DISK_READ_ONLY",
  EPERM: "DISK_READ_ONLY",
};

/** What to do, by the system's own code where it tells more than ours. */
const advice: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space on that file system.",
  EDQUOT: "Free some space or raise the quota of this user.",
  EFBIG: "Raise the limit on the size of a file (ulimit -f).",
  EROFS: "Mount the file system for writing, or open another directory.",
  EACCES: "Give this user the right to read and write there, or open another directory.",
  EPERM: "Give this user the right to read and write there, or open another directory.",
  ENOENT: "It is missing: see that nothing else moves or removes files in this directory.",
  EEXIST: "It exists already: see that nothing else writes into this directory.",
  ENOTDIR: "A file stands where a directory is needed: open another directory.",
  EISDIR: "A directory stands where a file is needed: see that nothing else writes into this directory.",
  EMFILE: "Raise the number of files this process may open (ulimit -n), or lower limits.openFilesMax.",
  ENFILE: "Raise the number of files this system may open (fs.file-max).",
  EINVAL: "This file system cannot do what a data directory needs: open another directory.",
  ELOOP: "Symbolic links lead round in a circle: open another directory.",
  ENAMETOOLONG: "Open a directory with a shorter path.",
  EIO: "The medium reports an error: look into the system's log and check the disk before going on.",
};

/** The system's error as one of ours, with what happened and what to do. A defect of ours stays what it is. */
export function diskFailure(attempt: Attempt, cause: unknown): Error {
  if (cause instanceof AssertionError) return cause;
  const systemCode = systemCodeOf(cause);
  const code = codes[systemCode] ?? "DISK_FAILED";
  const { where, action, path } = attempt;
  const what = path === "" ? `cannot ${action} ${where}` : `cannot ${action} ${path} in ${where}`;
  const why = cause instanceof Error ? cause.message : String(cause);
  const toDo = advice[systemCode] ?? "Look into the system's log and check the disk.";
  return new MillraceError(code, `${what}: ${why}. ${toDo}`, { cause });
}

/** "ENOENT" and the like; "" when the error is not the system's. */
export function systemCodeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

const texts: Readonly<Record<string, string>> = {
  EBADF: "the file was opened for reading only",
  EDQUOT: "disk quota exceeded",
  EEXIST: "file exists",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EROFS: "read-only file system",
};

/** An error as the system would give it, for disks that have no system below them. */
export function systemError(code: string, text = texts[code] ?? "refused"): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code });
}

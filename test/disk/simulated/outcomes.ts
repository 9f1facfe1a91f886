import { seededRandom } from "../../../src/base/random.js";
import { type Disk, writeFully } from "../../../src/disk/disk.js";
import { type CrashStyle, type CrashStyleName, type SimulatedDisk } from "../../../src/disk/simulated.js";

/** All that `look` finds on the disks that crashes of this style may leave, sorted. */
export function outcomes(
  disk: SimulatedDisk,
  style: CrashStyle | CrashStyleName,
  look: (left: SimulatedDisk) => string,
): string[] {
  const found = new Set<string>();
  for (let seed = 0; seed < 400; seed += 1) found.add(look(disk.afterCrash(style, seededRandom(seed))));
  return [...found].toSorted();
}

/** A file's bytes as text: "-" when there is no such file, "." for a zero. */
export function textOf(disk: SimulatedDisk, path: string): string {
  if (!disk.files().includes(path)) return "-";
  return Buffer.from(disk.bytesOf(path)).toString("latin1").replaceAll("\0", ".");
}

/** Writes at the beginning of a file, which is created when there is none. */
export function put(disk: Disk, path: string, text: string): void {
  putAt(disk, { path, position: 0 }, text);
}

export function putAt(disk: Disk, place: { path: string; position: number }, text: string): void {
  const file = disk.open(place.path, disk.exists(place.path) ? "write" : "create");
  writeFully(file, Buffer.from(text, "latin1"), place.position);
  file.close();
}

export async function sync(disk: Disk, path: string): Promise<void> {
  const file = disk.open(path, "write");
  await file.sync();
  file.close();
}

/** Writes files and makes them durable, names and all, at the root. */
export async function putDurably(disk: Disk, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    put(disk, path, text);
    await sync(disk, path);
  }
  await disk.syncDirectory("");
}

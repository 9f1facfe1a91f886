import { crc32c } from "../base/crc32c.js";
import { hasCode } from "../base/errors.js";
import { type Disk, readFully, writeFully } from "../disk/disk.js";

export const quarantineDirectory = "quarantine";

/**
 * Keeps a copy of a file of which something acknowledged is damaged: for a human, and never deleted by us. The file itself
 * goes on being used, and what is damaged in it may be written over. The same content is kept once.
 */
export async function quarantine(disk: Disk, path: string): Promise<void> {
  if (!disk.exists(path)) return;
  const bytes = contentOf(disk, path);
  const copy = `${quarantineDirectory}/${path.replaceAll("/", "-")}.${crc32c(bytes).toString(16).padStart(8, "0")}`;
  disk.makeDirectory(quarantineDirectory);
  try {
    await writeCopy(disk, copy, bytes);
  } catch (error) {
    // Evidence is worth less than being able to open.
    if (!hasCode(error, "DISK_FULL")) throw error;
    if (disk.exists(copy)) disk.remove(copy);
  }
  await disk.syncDirectory(quarantineDirectory);
  await disk.syncDirectory("");
}

async function writeCopy(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const file = disk.open(path, disk.exists(path) ? "write" : "create");
  try {
    writeFully(file, bytes, 0);
    await file.sync();
  } finally {
    file.close();
  }
}

function contentOf(disk: Disk, path: string): Buffer {
  const file = disk.open(path, "read");
  try {
    const bytes = Buffer.alloc(file.size());
    return bytes.subarray(0, readFully(file, bytes, 0));
  } finally {
    file.close();
  }
}

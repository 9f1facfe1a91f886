/**
 * What recovery has read may be in the page cache only: the process before may have died before its sync, or a sync
 * may have failed, which leaves the pages behind, marked clean. So what may be affected is written once more and
 * synced before anybody is told what it says.
 */
import { type Disk, readFully, writeFully } from "../disk/disk.js";
import { makeStoredDurable } from "./stored-batches.js";
import { walDirectory } from "./wal/files.js";
import { alignUp, frameHeaderBytes, nextCandidate } from "./wal/layout.js";
import { type ScannedFile, wholeFrame, type WalScan } from "./wal/scan.js";

export async function makeDurable(disk: Disk, scan: WalScan): Promise<void> {
  // Names too: a file that the process before had made and named is used from here on as one that surely stays.
  await disk.syncDirectory(walDirectory);
  await disk.syncDirectory("");
  for (const live of scan.live) {
    if (live.lastFrameAt === undefined) continue;
    // Where each frame was synced before the next was written, only the last one may not have been.
    await rewrite(disk, live, live.eachFrameSynced ? live.lastFrameAt : live.begin);
  }
}

async function rewrite(disk: Disk, live: ScannedFile, from: number): Promise<void> {
  const file = disk.open(`${walDirectory}/${live.name}`, "write");
  try {
    const frames = Buffer.alloc(live.end - from);
    readFully(file, frames, from);
    for (let at = nextCandidate(frames, 0, live.salt); at !== undefined;) {
      const header = wholeFrame(frames, at, live.salt);
      const end = at + frameHeaderBytes + (header?.bodyBytes ?? 0);
      if (header !== undefined) await makeStoredDurable(disk, frames.subarray(at + frameHeaderBytes, end), header);
      at = nextCandidate(frames, alignUp(end), live.salt);
    }
    writeFully(file, frames, from);
    await file.sync();
  } finally {
    file.close();
  }
}

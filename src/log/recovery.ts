/**
 * What a process finds when it opens a directory, and what it makes of it before anything is served.
 *
 *   meta journal → checkpoint → pages → write-ahead log, frame by frame → what was recovered is made durable
 *
 * Recovery can be interrupted at any point and begins anew: it changes nothing that a second run would miss.
 */
import { ByteReader } from "../base/bytes.js";
import { assert } from "../base/assert.js";
import { hasCode, MillraceError } from "../base/errors.js";
import { type Disk, type DiskFile, readFully, writeFully } from "../disk/disk.js";
import { batchBytesAt, checkBatch } from "./batch/check.js";
import { BatchView } from "./batch/view.js";
import { type CheckpointBody, decodeCheckpoint } from "./checkpoint/body.js";
import { readSlots, repairSlots, type SlotName, slotNames } from "./checkpoint/slots.js";
import type { Finding } from "./finding.js";
import { MetaJournal, metaDirectory } from "./meta/journal.js";
import type { PageStore } from "./pages/page-store.js";
import type { Partition } from "./partition/partition.js";
import { segmentsDirectory } from "./partition/partitions.js";
import { segmentFileName } from "./segments/names.js";
import { reserveName } from "./space.js";
import type { StateMachine } from "./state.js";
import { type FrameEntry, frameEntries } from "./wal/frame.js";
import { walDirectory } from "./wal/files.js";
import { fileHeaderBytes, decodeFrameHeader, type FrameHeader, frameEnd, frameHeaderBytes, saltOf } from "./wal/layout.js";
import { scanWal, type WalPosition, type WalScan } from "./wal/scan.js";

const pagesDirectory = "g";
const quarantineDirectory = "quarantine";

/** Everything a data directory may hold. Anything else is somebody else's. */
const ownNames: ReadonlySet<string> = new Set([metaDirectory, walDirectory, segmentsDirectory, pagesDirectory, quarantineDirectory, reserveName, ...slotNames, "LOCK"]);

/** The start of the write-ahead log of a directory that has no checkpoint yet. */
export const walBegin: WalPosition = { lsn: 0, generation: 1, salt: 0, position: fileHeaderBytes };

export interface Recovered {
  readonly journal: MetaJournal;
  /** Of the checkpoint; 0 when there was none. */
  readonly sequence: number;
  readonly checkpointLsn: number;
  readonly intactSlot: SlotName;
  readonly scan: WalScan;
  readonly findings: readonly Finding[];
  /** Partitions that the write-ahead log had something for. */
  readonly touched: ReadonlySet<Partition>;
}

export interface RecoveryTarget {
  readonly disk: Disk;
  readonly state: StateMachine;
  readonly pages: PageStore;
  partition(topicId: number, index: number): Partition;
  /** A replayed batch took memory: write some to segments, when there is room. */
  relieve(partition: Partition): void;
}

export async function recover(target: RecoveryTarget): Promise<Recovered> {
  const { disk, state } = target;
  refuseForeign(disk);
  const { checkpoint, findings: slotFindings } = readSlots(disk);
  if (checkpoint === undefined) await createLayout(disk);
  const meta = await MetaJournal.open(disk);
  for (const entry of meta.entries) state.meta(entry);
  const body = checkpoint === undefined ? undefined : decodeCheckpoint(checkpoint.body);
  const pageFindings = body === undefined ? [] : restore(target, body);
  const touched = new Set<Partition>();
  const scan = scanWal(disk, body?.wal ?? walBegin, {
    isWhole: (bytes, header) => everyStoredBatchIsWhole(disk, bytes, header),
    visit: (bytes, header) => {
      for (const entry of frameEntries(bytes, header.entries)) replay(target, entry, touched);
    },
  });
  if (checkpoint !== undefined) await repairSlots(disk, checkpoint);
  if (scan.damaged) await quarantine(disk, scan);
  await makeDurable(disk, scan);
  for (const path of body?.garbage ?? []) if (disk.exists(path)) disk.remove(path);
  const findings = [...meta.findings, ...slotFindings, ...pageFindings, ...scan.findings];
  return { journal: meta.journal, sequence: checkpoint?.sequence ?? 0, checkpointLsn: body?.wal.lsn ?? 0, intactSlot: checkpoint?.slot ?? slotNames[0], scan, findings, touched };
}

function refuseForeign(disk: Disk): void {
  const foreign = disk.list("").filter((name) => !ownNames.has(name) && !name.startsWith("LOCK"));
  if (foreign.length === 0) return;
  throw new MillraceError("NOT_A_DATA_DIRECTORY", `${disk.where} holds files that are not Millrace's (${foreign.slice(0, 3).join(", ")}); give a directory of its own`);
}

/** A fresh directory, or one whose making was interrupted: the checkpoint, which makes it ours, comes last. */
async function createLayout(disk: Disk): Promise<void> {
  const holdsData = disk.list(segmentsDirectory).length > 0;
  if (holdsData) throw new MillraceError("LOG_CORRUPT", `${disk.where} has segments but no checkpoint; keep a copy of the directory and run "millrace verify" on it`);
  disk.makeDirectory(walDirectory);
  disk.makeDirectory(segmentsDirectory);
  const complete = disk.exists(`${metaDirectory}/a`) && disk.exists(`${metaDirectory}/b`);
  if (!complete) await MetaJournal.create(disk);
  await disk.syncDirectory("");
}

function restore(target: RecoveryTarget, body: CheckpointBody): readonly Finding[] {
  for (const partition of body.partitions) target.partition(partition.topicId, partition.index).restore(partition, partition.tail);
  target.state.restore(new ByteReader(body.state));
  return target.pages.restore(body.pageFiles, (file, page, bytes) => target.state.restorePage(file, page, bytes));
}

function replay(target: RecoveryTarget, entry: FrameEntry, touched: Set<Partition>): void {
  if (entry.kind === "state") {
    target.state.replay(entry.type, new ByteReader(entry.body));
    return;
  }
  const partition = target.partition(entry.topicId, entry.partition);
  touched.add(partition);
  if (entry.kind === "trim") {
    partition.applyTrim(entry.startOffset);
    return;
  }
  // Copied: the buffer of the scan is used again for the next file.
  const bytes = entry.kind === "batch" ? Buffer.from(entry.bytes) : readStored(target.disk, entry);
  // Damaged, but acknowledged: the next batch shows which offsets are missing.
  if (bytes === undefined) return;
  const batch = new BatchView(bytes);
  if (batch.baseOffset > partition.endOffset) partition.lost(partition.endOffset, batch.baseOffset);
  partition.commit(batch);
  target.relieve(partition);
}

/** The batches that a frame only refers to are part of it: when one is not on the disk, the commit did not happen. */
export function everyStoredBatchIsWhole(disk: Disk, body: Buffer, header: FrameHeader): boolean {
  for (const entry of frameEntries(body, header.entries)) {
    if (entry.kind === "stored" && readStored(disk, entry) === undefined) return false;
  }
  return true;
}

type StoredEntry = Extract<FrameEntry, { kind: "stored" }>;

function storedPath({ topicId, partition, place }: StoredEntry): string {
  return `${segmentsDirectory}/${topicId}/${partition}/${segmentFileName({ baseOffset: place.segment, revision: 0, kind: "log" })}`;
}

function readStored(disk: Disk, entry: StoredEntry): Buffer | undefined {
  const { place } = entry;
  const path = storedPath(entry);
  if (!disk.exists(path)) return undefined;
  const file = disk.open(path, "read");
  try {
    const bytes = Buffer.alloc(place.bytes);
    if (readFully(file, bytes, place.position) < place.bytes || checkBatch(bytes, 0) !== "whole") return undefined;
    return batchBytesAt(bytes, 0) === place.bytes ? bytes : undefined;
  } finally {
    file.close();
  }
}

/**
 * The last frame may have been read from a page cache that never reached the disk: a sync that failed leaves such
 * pages behind, marked clean. So it is written once more and synced before anybody is told what it says.
 */
async function makeDurable(disk: Disk, scan: WalScan): Promise<void> {
  for (const live of scan.live) {
    if (live.lastFrameAt === undefined) continue;
    const file = disk.open(`${walDirectory}/${live.name}`, "write");
    try {
      const { frame, header } = readFrame(file, live.lastFrameAt);
      const body = frame.subarray(frameHeaderBytes, frameHeaderBytes + header.bodyBytes);
      for (const entry of frameEntries(body, header.entries)) if (entry.kind === "stored") await makeStoredDurable(disk, entry);
      writeFully(file, frame, live.lastFrameAt);
      await file.sync();
    } finally {
      file.close();
    }
  }
}

function readFrame(file: DiskFile, at: number): { frame: Buffer; header: FrameHeader } {
  const head = Buffer.alloc(frameHeaderBytes);
  readFully(file, head, at);
  const header = decodeFrameHeader(head, 0, saltOf(head));
  assert(header !== undefined, "the last frame of the chain was whole a moment ago");
  const frame = Buffer.alloc(frameEnd(at, header.bodyBytes) - at);
  return { frame: frame.subarray(0, readFully(file, frame, at)), header };
}

/** What a frame refers to is as durable as the frame: its bytes, and the name of the file they are in. */
async function makeStoredDurable(disk: Disk, entry: StoredEntry): Promise<void> {
  const bytes = readStored(disk, entry);
  if (bytes === undefined) return;
  const path = storedPath(entry);
  const file = disk.open(path, "write");
  try {
    writeFully(file, bytes, entry.place.position);
    await file.sync();
  } finally {
    file.close();
  }
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) await disk.syncDirectory(path.slice(0, end));
  await disk.syncDirectory("");
}

/** Copies of the files in which acknowledged commits are damaged: for a human, and never deleted by us. */
async function quarantine(disk: Disk, scan: WalScan): Promise<void> {
  disk.makeDirectory(quarantineDirectory);
  for (const finding of scan.findings) {
    if (finding.lost === undefined || !disk.exists(finding.file)) continue;
    const copy = `${quarantineDirectory}/${finding.file.replaceAll("/", "-")}-${scan.lastLsn}`;
    if (disk.exists(copy)) continue;
    try {
      copyFile(disk, finding.file, copy);
    } catch (error) {
      if (!hasCode(error, "DISK_FULL")) throw error;
      disk.remove(copy);
    }
  }
  await disk.syncDirectory(quarantineDirectory);
}

function copyFile(disk: Disk, from: string, to: string): void {
  const source = disk.open(from, "read");
  const target = disk.open(to, "create");
  try {
    const bytes = Buffer.alloc(source.size());
    readFully(source, bytes, 0);
    writeFully(target, bytes, 0);
  } finally {
    source.close();
    target.close();
  }
}

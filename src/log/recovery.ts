/**
 * What a process finds when it opens a directory, and what it makes of it before anything is served.
 *
 *   meta journal → checkpoint → pages → write-ahead log, frame by frame → what was recovered is made durable
 *
 * Recovery can be interrupted at any point and begins anew: it changes nothing that a second run would miss.
 */
import { ByteReader } from "../base/bytes.js";
import { MillraceError } from "../base/errors.js";
import type { Disk } from "../disk/disk.js";
import { BatchView } from "./batch/view.js";
import { type CheckpointBody, decodeCheckpoint } from "./checkpoint/body.js";
import { type Checkpoint, readSlots, repairSlots, type SlotName, slotNames } from "./checkpoint/slots.js";
import type { Finding } from "./finding.js";
import { makeDurable } from "./make-durable.js";
import { type MetaContent, MetaJournal, readMeta } from "./meta/journal.js";
import { metaDirectory } from "./meta/mirror.js";
import type { PageStore } from "./pages/page-store.js";
import type { Partition } from "./partition/partition.js";
import { segmentsDirectory } from "./partition/partitions.js";
import { quarantine, quarantineDirectory } from "./quarantine.js";
import { reserveName } from "./space.js";
import type { StateMachine } from "./state.js";
import { everyStoredBatchIsWhole, readStored } from "./stored-batches.js";
import { type FrameEntry, frameEntries } from "./wal/frame.js";
import { walDirectory } from "./wal/files.js";
import { fileHeaderBytes } from "./wal/layout.js";
import { scanWal, type WalPosition, type WalScan } from "./wal/scan.js";

/** Of the state machine's pages: which messages are settled, and which ids were seen. */
const settledDirectory = "g";
const idsDirectory = "d";

/** Everything a data directory may hold. Anything else is somebody else's. */
const ownNames: ReadonlySet<string> = new Set([
  metaDirectory,
  walDirectory,
  segmentsDirectory,
  settledDirectory,
  idsDirectory,
  quarantineDirectory,
  reserveName,
  ...slotNames,
]);

/** The lock, one who waits to take it over, and drafts of it. */
const lockName = /^LOCK(\.next)*$|^LOCK-\d+-[0-9a-z]+$/;

/** What our folders may hold. Somebody else has folders of these names too. */
const ownContents: Readonly<Record<string, RegExp>> = {
  [metaDirectory]: /^[ab](\.new)?$/,
  [walDirectory]: /^\d+\.wal(\.new)?$/,
  [segmentsDirectory]: /^\d+$/,
  [settledDirectory]: /^\d+$/,
  [idsDirectory]: /^\d+$/,
};

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
  const { disk } = target;
  refuseForeign(disk);
  const { checkpoint, findings: slotFindings } = readSlots(disk);
  if (checkpoint === undefined) await createLayout(disk);
  const meta = readMeta(disk);
  const { wal, garbage, pageFindings, scan, touched } = readState(target, meta, checkpoint);
  // Nothing was refused as too new: now the directory may be changed.
  if (checkpoint !== undefined) await repairSlots(disk, checkpoint);
  for (const { kind, file, lost } of scan.findings) {
    if (lost !== undefined && kind !== "wal-file-missing") await quarantine(disk, file);
  }
  await makeDurable(disk, scan);
  for (const path of garbage) if (disk.exists(path)) disk.remove(path);
  const journal = await MetaJournal.open(disk, meta);
  const findings = [...meta.findings, ...slotFindings, ...pageFindings, ...scan.findings];
  const { sequence, slot } = checkpoint ?? noCheckpoint;
  return { journal, sequence, checkpointLsn: wal.lsn, intactSlot: slot, scan, findings, touched };
}

const noCheckpoint = { sequence: 0, slot: slotNames[0] };

interface ReadState {
  readonly wal: WalPosition;
  readonly garbage: readonly string[];
  readonly pageFindings: readonly Finding[];
  readonly scan: WalScan;
  readonly touched: ReadonlySet<Partition>;
}

/** Brings the state machine and the partitions to where they were. */
function readState(target: RecoveryTarget, meta: MetaContent, checkpoint: Checkpoint | undefined): ReadState {
  const { disk, state } = target;
  for (const entry of meta.entries.values()) state.meta(entry);
  const body = checkpoint === undefined ? undefined : decodeCheckpoint(checkpoint.body);
  const pageFindings = body === undefined ? [] : restore(target, body);
  const wal = body?.wal ?? walBegin;
  const touched = new Set<Partition>();
  const scan = scanWal(disk, wal, {
    isWhole: (bytes, header) => everyStoredBatchIsWhole(disk, bytes, header),
    visit: (bytes, header) => {
      for (const entry of frameEntries(bytes, header.entries)) replay(target, entry, touched);
    },
  });
  return { wal, garbage: body?.garbage ?? [], pageFindings, scan, touched };
}

function refuseForeign(disk: Disk): void {
  const foreign = disk.list("").filter((name) => !ownNames.has(name) && !lockName.test(name));
  // A checkpoint is ours beyond doubt; without one this may be a directory that looks like ours, and would be written over.
  if (!slotNames.some((name) => disk.exists(name))) foreign.push(...foreignContents(disk));
  if (foreign.length === 0) return;
  throw new MillraceError(
    "NOT_A_DATA_DIRECTORY",
    `${disk.where} holds files that are not Millrace's (${foreign.slice(0, 3).join(", ")}); give a directory of its own`,
  );
}

function foreignContents(disk: Disk): string[] {
  return Object.entries(ownContents).flatMap(([folder, own]) =>
    disk
      .list(folder)
      .filter((name) => !own.test(name))
      .map((name) => `${folder}/${name}`),
  );
}

/** A fresh directory, or one whose making was interrupted: the checkpoint, which makes it ours, comes last. */
async function createLayout(disk: Disk): Promise<void> {
  const holdsData = disk.list(segmentsDirectory).length > 0;
  if (holdsData)
    throw new MillraceError(
      "LOG_CORRUPT",
      `${disk.where} has segments but no checkpoint; keep a copy of the directory and run "millrace verify" on it`,
    );
  disk.makeDirectory(walDirectory);
  disk.makeDirectory(segmentsDirectory);
  const complete = disk.exists(`${metaDirectory}/a`) && disk.exists(`${metaDirectory}/b`);
  if (!complete) await MetaJournal.create(disk);
  await disk.syncDirectory("");
}

function restore(target: RecoveryTarget, body: CheckpointBody): readonly Finding[] {
  for (const partition of body.partitions)
    target.partition(partition.topicId, partition.index).restore(partition, partition.tail);
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
  // Copied: the buffer of the scan is used again for the next file.
  const bytes = entry.kind === "batch" ? Buffer.from(entry.bytes) : readStored(target.disk, entry);
  if (bytes === undefined) {
    // Damaged, but acknowledged.
    if (entry.kind === "stored") partition.lostUpTo(entry.place.endOffset);
    return;
  }
  const batch = new BatchView(bytes);
  partition.lostUpTo(batch.baseOffset);
  partition.commit(batch);
  target.relieve(partition);
}

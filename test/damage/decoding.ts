/**
 * What the log makes of the bytes of one file: everything that is above it depends on that alone. So two damages that
 * give the same are one for the engine, and a damage that gives the same as no damage is provably without effect.
 */
import { crc32c } from "../../src/base/crc32c.js";
import type { SimulatedDisk } from "../../src/disk/simulated.js";
import { type CheckpointBody, decodeCheckpoint } from "../../src/log/checkpoint/body.js";
import { readSlot, readSlots } from "../../src/log/checkpoint/slots.js";
import type { Finding } from "../../src/log/finding.js";
import { readMirror } from "../../src/log/meta/mirror.js";
import { PageStore, pathOf } from "../../src/log/pages/page-store.js";
import { FileSource } from "../../src/log/segments/file-source.js";
import { segmentFileName } from "../../src/log/segments/names.js";
import { BatchScanner } from "../../src/log/segments/scanner.js";
import { everyStoredBatchIsWhole } from "../../src/log/stored-batches.js";
import { frameEntries } from "../../src/log/wal/frame.js";
import { scanWal } from "../../src/log/wal/scan.js";

/** What one commit holds. */
export interface Commit {
  readonly lsn: number;
  /** As "topic/partition/offset". */
  readonly offsets: readonly string[];
  /** Numbers of the groups whose progress it carries. */
  readonly groups: readonly number[];
}

export class Decoding {
  readonly #body: CheckpointBody;

  constructor(intact: SimulatedDisk) {
    const { checkpoint } = readSlots(intact);
    if (checkpoint === undefined) throw new Error("the directory has no checkpoint");
    this.#body = decodeCheckpoint(checkpoint.body);
  }

  /** Equal texts for what is equal to everything above. undefined: nobody can say without opening, as of an index. */
  of(disk: SimulatedDisk, path: string): string | undefined {
    const [folder = "", name = ""] = path.split("/");
    if (folder.startsWith("checkpoint")) return text(withoutBody(readSlot(disk, folder)));
    if (folder === "meta") {
      const { entries, endBytes, hasTail, trouble, wholeUpToEnd } = readMirror(disk, name);
      return text({ entries: [...entries], endBytes, hasTail, isTroubled: trouble !== undefined, wholeUpToEnd });
    }
    if (folder === "g") return this.#pages(disk, path);
    if (folder === "wal") return this.#writeAheadLog(disk);
    return path.endsWith(".log") ? this.#segment(disk, path) : undefined;
  }

  /** Commits behind the checkpoint that recovery takes in. */
  commits(disk: SimulatedDisk): Commit[] {
    const commits: Commit[] = [];
    scanWal(disk, this.#body.wal, {
      isWhole: (body, header) => everyStoredBatchIsWhole(disk, body, header),
      visit: (body, { lsn, entries }) => {
        const offsets: string[] = [];
        const groups: number[] = [];
        for (const entry of frameEntries(body, entries)) {
          if (entry.kind === "state") groups.push(entry.body[0] as number);
          else if (entry.kind === "stored") offsets.push(...placesOf(entry, entry.place));
          else
            offsets.push(
              ...placesOf(entry, {
                baseOffset: Number(entry.bytes.readBigInt64BE(0)),
                endOffset: Number(entry.bytes.readBigInt64BE(0)) + 1 + entry.bytes.readInt32BE(23),
              }),
            );
        }
        commits.push({ lsn, offsets, groups });
      },
    });
    return commits;
  }

  #pages(disk: SimulatedDisk, path: string): string {
    const facts = this.#body.pageFiles.filter((each) => pathOf(each) === path);
    const pages: unknown[] = [];
    const findings = new PageStore(disk).restore(facts, (_file, page, bytes) =>
      pages.push([page, crc32c(Buffer.from(bytes))]),
    );
    return text({ pages, findings: findings.map(gist) });
  }

  #writeAheadLog(disk: SimulatedDisk): string {
    const visited: unknown[] = [];
    const scan = scanWal(disk, this.#body.wal, {
      isWhole: (body, header) => everyStoredBatchIsWhole(disk, body, header),
      visit: (body, header) => visited.push([header.lsn, crc32c(body)]),
    });
    const { live, spares, lastLsn, findings, damaged } = scan;
    return text({
      visited,
      live: live.map(({ name, end }) => [name, end]),
      spares: spares.toSorted(),
      lastLsn,
      damaged,
      findings: findings.map(gist),
    });
  }

  /** As far as the checkpoint counts it as a segment; and, of any, the batches that commits may refer to. */
  #segment(disk: SimulatedDisk, path: string): string {
    const [, topic, partition] = path.split("/");
    const facts = this.#body.partitions
      .filter(({ topicId, index }) => `${topicId}/${index}` === `${topic}/${partition}`)
      .flatMap(({ segments }) => segments)
      .find((each) => path.endsWith(`/${segmentFileName({ ...each, kind: "log" })}`));
    const batches: unknown[] = [];
    const damages: unknown[] = [];
    if (facts !== undefined) {
      const source = new FileSource(disk, path, facts);
      const scanner = new BatchScanner(source, { position: 0, offset: facts.baseOffset }, (damage) =>
        damages.push(damage),
      );
      for (let batch = scanner.next(); batch !== undefined; batch = scanner.next())
        batches.push([scanner.mended, crc32c(batch.bytes)]);
      source.close();
    }
    return text({ batches, damages, commits: this.#writeAheadLog(disk) });
  }
}

function placesOf(
  { topicId, partition }: { topicId: number; partition: number },
  { baseOffset, endOffset }: { baseOffset: number; endOffset: number },
): string[] {
  return Array.from({ length: endOffset - baseOffset }, (_, index) => `${topicId}/${partition}/${baseOffset + index}`);
}

function withoutBody(slot: ReturnType<typeof readSlot>): unknown {
  return slot.state === "whole" ? { ...slot, body: crc32c(slot.body) } : slot.state;
}

/** Where exactly something stands is for people. */
function gist({ kind, file, lost }: Finding): unknown {
  return [kind, file, lost];
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

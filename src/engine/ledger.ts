/**
 * The engine's side of recovery: takes in what the log read back, and hands out what a checkpoint must store.
 * Holds the catalog, the progress of every group, and the ids that count once; knows nothing of leases and consumers.
 */
import { type ByteReader, ByteWriter } from "../base/bytes.js";
import type { PageChange, StateMachine, StateSnapshot } from "../log/state.js";
import { partitionsMost, partitionsOf } from "./channel-spec.js";
import { IdWindows } from "./dedup/id-windows.js";
import { Catalog, type KnownChannel, type KnownGroup } from "./meta.js";
import { DueIndex, type DueKind } from "./due-index.js";
import { Progress } from "./progress.js";
import { entryTypes, snapshotVersion, unsupported } from "./state-codec.js";

export class Ledger implements StateMachine {
  readonly catalog: Catalog = new Catalog();
  readonly ids: IdWindows = new IdWindows();
  /** By group, then by partition. */
  readonly #progress = new Map<number, Progress[]>();
  /** Whose number a group has: filled while opening, before the first state is read. */
  readonly #groups = new Map<number, { readonly channel: KnownChannel; readonly group: KnownGroup }>();

  /** By group, partition and kind. */
  readonly #due = new Map<string, { readonly place: readonly [number, number, number]; readonly index: DueIndex }>();

  /** The group's progress on each of the channel's partitions; made where there is none yet. */
  progressOf(channel: KnownChannel, group: KnownGroup): readonly Progress[] {
    this.#groups.set(group.id, { channel, group });
    const all = this.#progress.get(group.id) ?? [];
    this.#progress.set(group.id, all);
    for (let partition = all.length; partition < partitionsOf(channel.spec); partition++) {
      all.push(new Progress({ groupId: group.id, partition, start: group.starts[partition] ?? 0 }));
    }
    return all;
  }

  /** On a partition that a channel has besides those it began with. */
  progressAt(channel: KnownChannel, group: KnownGroup, partition: number): Progress {
    const all = this.progressOf(channel, group) as Progress[];
    while (all.length <= partition) all.push(new Progress({ groupId: group.id, partition: all.length, start: 0 }));
    return all[partition] as Progress;
  }

  dueIndex(groupId: number, partition: number, kind: DueKind): DueIndex {
    const key = `${groupId}/${partition}/${kind}`;
    let due = this.#due.get(key);
    if (due === undefined) {
      const index = new DueIndex({ groupId, partition, kind });
      this.#due.set(key, (due = { place: [groupId, partition, kind], index }));
    }
    return due.index;
  }

  findDue(groupId: number, partition: number, kind: DueKind): DueIndex | undefined {
    return this.#due.get(`${groupId}/${partition}/${kind}`)?.index;
  }

  meta(entry: unknown): void {
    this.catalog.apply(entry);
    this.#groups.clear();
  }

  restore(body: ByteReader): void {
    const version = body.varint();
    if (version < 1 || version > snapshotVersion) throw unsupported(`a snapshot of version ${version}`);
    for (let left = body.varint(); left > 0; left--)
      this.#find(body.varint(), body.varint()).readSnapshot(body, version);
    if (version >= 4) this.ids.readSnapshot(body);
    for (let left = version < 5 ? 0 : body.varint(); left > 0; left--) this.#readDue(body);
  }

  restorePage(file: string, page: number, bytes: Uint8Array): void {
    if (this.ids.restorePage(file, bytes)) return;
    const [, groupId, , partition, delivered] = /^g\/(\d+)\/(\d+)-(\d+)(-delivered)?$/.exec(file) ?? [];
    if (groupId === undefined || partition === undefined)
      throw unsupported(`a page file named ${JSON.stringify(file)}`);
    const progress = this.#find(Number(groupId), Number(partition));
    (delivered === undefined ? progress.settled : progress.delivered).restorePage(page, bytes);
  }

  replay(type: number, body: ByteReader): void {
    if (type === entryTypes.ids) {
      // Its owner's entry in the meta journal may be lost: the number is not used again.
      this.catalog.reserveId(this.ids.replay(body).place.owner);
      return;
    }
    if (type < entryTypes.settled || type > entryTypes.due) throw unsupported(`a state entry of type ${type}`);
    if (type === entryTypes.due) this.#readDue(body);
    else this.#find(body.varint(), body.varint()).replay(type, body);
  }

  snapshot(): StateSnapshot {
    const body = new ByteWriter(4096);
    const pages: PageChange[] = [];
    const all = [...this.#progress.values()].flat().filter((progress) => this.#groups.has(progress.groupId));
    body.varint(snapshotVersion);
    body.varint(all.length);
    for (const progress of all) {
      body.varint(progress.groupId);
      body.varint(progress.partition);
      progress.writeSnapshot(body);
      this.#addPages(progress, pages);
    }
    for (const change of this.ids.writeSnapshot(body)) pages.push(change);
    this.#writeDue(body);
    return { body: body.copy(), pages };
  }

  #writeDue(body: ByteWriter): void {
    const kept = [...this.#due.values()].filter(({ place, index }) => index.isKept && this.#knows(place[0]));
    body.varint(kept.length);
    for (const { place, index } of kept) {
      for (const number of place) body.varint(number);
      index.write(body);
    }
  }

  #readDue(body: ByteReader): void {
    const groupId = body.varint();
    if (!this.#knows(groupId)) this.catalog.reserveId(groupId);
    this.dueIndex(groupId, body.varint(), body.varint() as DueKind).read(body);
  }

  #addPages(progress: Progress, pages: PageChange[]): void {
    const known = this.#groups.get(progress.groupId);
    const file = `g/${progress.groupId}/${known?.channel.id ?? 0}-${progress.partition}`;
    for (const change of progress.settled.takeChangedPages()) pages.push({ file, ...change });
    for (const change of progress.delivered.each?.takeChangedPages() ?? []) {
      pages.push({ file: `${file}-delivered`, ...change });
    }
  }

  /** Of a group whose entry in the meta journal was lost, its progress is read into the void, and its number never used again. */
  #find(groupId: number, partition: number): Progress {
    if (this.#groups.size === 0) this.#indexGroups();
    const known = this.#groups.get(groupId);
    const lost = new Progress({ groupId, partition, start: 0 });
    if (known === undefined) {
      this.catalog.reserveId(groupId);
      return lost;
    }
    if (partition >= partitionsMost(known.channel.spec)) return lost;
    return this.progressAt(known.channel, known.group, partition);
  }

  #knows(groupId: number): boolean {
    if (this.#groups.size === 0) this.#indexGroups();
    return this.#groups.has(groupId);
  }

  #indexGroups(): void {
    for (const channel of this.catalog.channels) {
      for (const group of channel.groups.values()) this.#groups.set(group.id, { channel, group });
    }
  }
}

/** A message of the log, on its way to a consumer or a reader: the record, decoded only where it is asked. */
import type { RecordView } from "../log/batch/record.js";
import { FloorHistory } from "./floor-history.js";
import type { Incoming } from "./message.js";
import type { Progress } from "./progress.js";

/** Where a record lies: a partition, by the names its users know. */
export class Lane {
  /** Precedes the offset in the id of a message that was sent without one. */
  readonly idPrefix: string;
  readonly partition: number;
  /** Of a queue that has several: that of all its messages. */
  priority: number | undefined = undefined;

  constructor(channel: string, partition: number) {
    this.idPrefix = positionPrefix(channel, partition);
    this.partition = partition;
  }

  /** Whether it waits until another message is settled. */
  isParked(_record: RecordView): boolean {
    return false;
  }

  /** The offset of the message that has to be settled before this one is handed out; undefined when there is none. For who looks. */
  waitsFor(_record: RecordView): number | undefined {
    return undefined;
  }

  /** Whether a group gets it again that had handled it before it was moved. */
  replays(_offset: number): boolean {
    return false;
  }
}

/** A lane as one group sees it. */
export class GroupLane extends Lane {
  readonly progress: Progress;
  /** When its messages were settled, as far as that is known. */
  readonly history: FloorHistory;

  constructor(channel: string, partition: number, progress: Progress) {
    super(channel, partition);
    this.progress = progress;
    this.history = new FloorHistory(progress.floor);
  }

  override replays(offset: number): boolean {
    return this.progress.handledBefore.has(offset);
  }
}

export function positionPrefix(channel: string, partition: number): string {
  return `${channel}/${partition}/`;
}

export class LoggedMessage implements Incoming {
  readonly record: RecordView;
  readonly lane: Lane;

  constructor(record: RecordView, lane: Lane) {
    this.record = record;
    this.lane = lane;
  }

  get id(): string {
    return this.record.id ?? this.lane.idPrefix + this.record.offset;
  }

  get key(): string | undefined {
    return this.record.key;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.record.headers;
  }

  get hasHeaders(): boolean {
    return this.record.hasHeaders;
  }

  get priority(): number | undefined {
    return this.lane.priority;
  }

  get value(): Uint8Array {
    return this.record.value;
  }

  get sentAtMs(): number {
    return this.record.timestampMs;
  }

  get partition(): number {
    return this.lane.partition;
  }

  get offset(): bigint {
    return BigInt(this.record.offset);
  }

  unwrap(): unknown {
    return this.record;
  }
}

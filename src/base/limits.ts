/**
 * Everything has a limit; every limit has a name, a default and a reason.
 * Users raise or lower them through `open(where, { limits })`.
 */
export interface Limits {
  /** One encoded message: key, value and headers. Bounds what a corrupt length can make us allocate. */
  readonly messageBytesMax: number;
  /** One write-ahead log file. Pre-filled on creation and recycled; also bounds one commit and so one transaction. */
  readonly walFileBytes: number;
  /** Once this much write-ahead log has gathered, a checkpoint begins. Bounds the time recovery takes. */
  readonly checkpointBytes: number;
  /** Write-ahead log that may exist at most; reached when checkpoints cannot keep up, it makes sends wait or be refused. */
  readonly walBytesMax: number;
  /** A partition's segment file; one is deleted when all in it is settled or expired. */
  readonly segmentBytes: number;
  /**
   * From this size on, what one commit has for a partition goes to its segment at once, and only a reference to it into
   * the write-ahead log: written once instead of twice, at the price of syncing two files.
   */
  readonly directBytesMin: number;
  /** Committed batches of one partition kept in memory before they are written to its segment. */
  readonly partitionTailBytes: number;
  /** The same, of all partitions together. */
  readonly tailBytes: number;
  /** Disk space set aside, so that a full disk can still take settlements. */
  readonly reserveBytes: number;
  /** Messages of one group that may be leased at once. */
  readonly inFlightMax: number;
  /** Messages of one group that may wait for a retry at once; beyond it no fresh message is handed out. */
  readonly retriesMax: number;
  /** Ids that a channel, or a group, remembers at once; beyond it the oldest are forgotten before their time. At 15 to 19 bytes each. */
  readonly dedupIdsMax: number;
  /** Memory for the messages of one group that wait behind others of their key: one or two bytes each; beyond it no fresh message is read. */
  readonly parkedBytesMax: number;
  /** Delayed messages of one queue and priority whose times are kept in memory at once, about; the rest is on disk. */
  readonly dueInMemory: number;
  /** Keys of a compacted stream that one pass over it holds in memory, in bytes. Where there are more, it takes several passes. */
  readonly compactionBytes: number;
  /** How long a tombstone is kept in a compacted stream, so that readers and groups hear of it; in milliseconds. */
  readonly tombstoneMs: number;
  /** Channels of one directory. */
  readonly channelsMax: number;
  /** Groups of one channel. */
  readonly groupsMax: number;
  /** Open segment files. */
  readonly openFilesMax: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: Limits = {
  messageBytesMax: 8 * mebibyte,
  walFileBytes: 16 * mebibyte,
  checkpointBytes: 128 * mebibyte,
  walBytesMax: 512 * mebibyte,
  segmentBytes: 64 * mebibyte,
  directBytesMin: 256 * 1024,
  partitionTailBytes: 2 * mebibyte,
  tailBytes: 128 * mebibyte,
  reserveBytes: 4 * mebibyte,
  inFlightMax: 100_000,
  retriesMax: 100_000,
  dedupIdsMax: 5_000_000,
  parkedBytesMax: 32 * mebibyte,
  dueInMemory: 32_768,
  compactionBytes: 64 * mebibyte,
  tombstoneMs: 24 * 60 * 60 * 1000,
  channelsMax: 100_000,
  groupsMax: 1_000,
  openFilesMax: 512,
};

/** How far a limit can be raised; the others as far as memory and disk allow. */
export const limitsMost: Partial<Limits> = {
  /** Lengths in a batch are signed 32-bit numbers, and so are positions in the index of a segment, which one message may overshoot. */
  messageBytesMax: 512 * mebibyte,
  segmentBytes: 1024 * mebibyte,
  /** It is filled before it is used. */
  walFileBytes: 1024 * mebibyte,
};

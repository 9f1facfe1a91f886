import { exponential } from "./backoff.js";

/** Everything a user may leave out, in one place. The comments of the options say the same in words. */
export const defaults = {
  attempts: 5,
  backoff: exponential("1s", "5m"),
  leaseMs: 30_000,
  alertAt: 1,
  deadLetterKeepMs: 1_209_600_000,
  queue: { messages: 1_000_000, bytes: Infinity, whenFull: "block" },
  buffer: { messages: 10_000, bytes: Infinity, whenFull: "drop-oldest" },
  priorities: 1,
  dedupMs: 300_000,
  partitions: 4,
  retentionMs: 604_800_000,
  retentionBytes: Infinity,
  concurrency: 1,
  handlerTimeoutMs: 900_000,
  batchWithinMs: 0,
  drainMs: 30_000,
  /** How often it is looked at whether a consumer that waits for messages is being passed over. */
  progressMs: 60_000,
  /**
   * How long a driver may take to let a consumer join, and to let it leave once it has failed; and to store a dead letter, or what else goes out
   * after the handler. After that it is taken for stuck.
   */
  answerMs: { open: 60_000, leave: 10_000, settle: 60_000 },
  /** Handlers that never return: so many of one consumer, or as many as its concurrency where that is more, before it begins no others. */
  abandonedMaxLeast: 10,
  /** A consumer of a stream holds as many events as it gets done in this time, and not more than so many. */
  stream: { aheadMs: 500, aheadMax: 1_024 },
  outage: { share: 0.8, samples: 20, withinMs: 600_000, sparesMs: 86_400_000, probe: exponential("1s", "30s") },
  alerts: {
    everyMs: 10_000,
    /** Alerts that are pending or firing at once. */
    watchedMax: 10_000,
    webhookTimeoutMs: 10_000,
    /** Alerts that wait to be posted. */
    webhookWaitingMax: 100,
  },
  /** How long a send may wait for room. */
  sendTimeoutMs: Infinity,
  rate: {
    /** Keys of one limit that are told apart at once. */
    keysMax: 100_000,
    /** Sends that may wait for their turn at one limited channel; what comes then is refused. */
    waitingMax: 100_000,
    /** Messages out of tokens that one consumer may have given back at once; then it fetches no more until the first of them is due. */
    putOffMax: 10_000,
    /** A message out of tokens is looked at again after this at the latest: by then the limit may be another. */
    putOffMsMax: 300_000,
  },
  elastic: {
    everyMs: 1_000,
    /** What waits is to be done within this. */
    drainMs: 5_000,
    /** Places are given up when less than this share of them has done for so many samples; what is kept is so much more than what is needed. */
    spareShare: 0.7,
    spareSamples: 5,
    headroom: 1.2,
  },
  pressure: {
    /** Over which time the drain rate is measured; how much of it there has to be at least; and how long before nothing done means that nothing gets done. */
    windowMs: 60_000,
    atLeastMs: 1_000,
    nothingAfterMs: 10_000,
    /** Of so many channels and groups it is remembered. */
    channelsMax: 1_000,
  },
  shedder: { everyMs: 1_000, retryAfter: { minS: 1, maxS: 300, unknownS: 5 } },
  load: { batch: 1_000, batchBytes: 1_048_576, inFlight: 4 },
  peekLimit: 20,
  /** From where on something is called a pitfall. */
  doctor: {
    /** Messages looked at of each channel, and how few tell nothing. */
    sample: 1_000,
    sampleLeast: 100,
    hotShare: 0.5,
    /** A message older than this that nobody has ever taken waits for nobody. */
    unreadMs: 600_000,
    attemptsMany: 50,
    retriesLongMs: 604_800_000,
    retriesShortMs: 10_000,
    /** Dead letters before the first word of them. */
    alertLate: 100,
    deadForgottenMs: 86_400_000,
  },
} as const;

/** What is accepted, where it is not simply "positive". */
export const bounds = {
  attempts: { min: 1, max: 1_000 },
  partitions: { min: 1, max: 1_000 },
  priorities: { min: 1, max: 10 },
  priorityShare: { min: 0, max: 0.5 },
  /** A year, and a day more in some. */
  delayMs: { max: 31_622_400_000 },
  leaseMs: { min: 1_000, max: 43_200_000 },
  concurrency: { min: 1, max: 100_000 },
  batch: { min: 1, max: 100_000 },
  rate: { min: 1, max: 1_000_000 },
  rateEveryMs: { min: 1, max: 2_592_000_000 },
  outageSamples: { min: 2, max: 10_000 },
  /** Any whole number of one or more. */
  count: { min: 1, max: Number.MAX_SAFE_INTEGER },
} as const;

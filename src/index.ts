export { open } from "./open.js";
export { queue, stream, topic } from "./client/declare.js";
export { bytes, json, text } from "./client/codec.js";
export { done, later, reject } from "./client/settlement.js";
export { exponential, fixed } from "./client/backoff.js";
export { on } from "./client/retry-rule.js";
export { worstCaseMs } from "./client/worst-case.js";
export { fixedWindow, leakyBucket, tokenBucket } from "./client/rate/rate-limit.js";
export { loadShedder } from "./client/pressure/load-shedder.js";
export { rateLimit } from "./client/rate/channel-rate.js";
export { MillraceError, errorCodes, hasCode } from "./base/errors.js";
export { silentLogger } from "./base/logger.js";

export type { AlertKind, AlertRule } from "./client/alerts/alert-rule.js";
export type { Alert, AlertOptions, Alerts } from "./client/alerts/alerts.js";
export type { WebhookOptions } from "./client/alerts/webhook.js";
export type { Admin, ChannelReference, DoctorOptions, Peeked, PeekOptions, SeekPosition } from "./client/admin.js";
export type { Backoff, BackoffOptions } from "./client/backoff.js";
export type { Channel, Policy, Queue, Stream, Topic } from "./client/channel.js";
export type {
  Capacity,
  Expires,
  Priorities,
  ChannelOptions,
  DeadLetterOptions,
  DeliveryPolicy,
  QueueOptions,
  StreamOptions,
  TopicOptions,
} from "./client/channel-options.js";
export type { Codec } from "./client/codec.js";
export type { CloseOptions, Consumer, ConsumerInfo, ConsumerState } from "./client/consumer.js";
export type {
  CountRange,
  DeadCause,
  DeadEdit,
  DeadFilter,
  DeadLetter,
  DeadLetters,
  DeadListOptions,
  DeadProgress,
  DeadReason,
  DeadSelection,
  DropOptions,
  RedriveOptions,
} from "./client/dead-letters.js";
export type { ExplainedMessage, Explanation, GroupExplanation } from "./client/explanation.js";
export type { Delivery } from "./client/delivery.js";
export type { Diagnosis } from "./client/doctor.js";
export type { Declaration } from "./client/pitfall.js";
export type { BatchHandler, BatchOptions, BatchOutcome, Guarantee, HandleOptions, Handler } from "./client/handler.js";
export type { LoadOptions, LoadSummary } from "./client/load.js";
export type { Message } from "./client/message.js";
export type { Millrace, Transaction } from "./client/millrace.js";
export type { Outage } from "./client/outage.js";
export type { OutageOptions } from "./client/outage-rule.js";
export type { IdempotencyStore, OnceOptions } from "./client/once.js";
export type { OpenOptions } from "./client/open-options.js";
export type { RateChange, RateKey, RateLimit, RateOptions, TokenBucketOptions } from "./client/rate/rate-limit.js";
export type { LoadShedder, LoadShedderOptions, SheddableResponse } from "./client/pressure/load-shedder.js";
export type { Pressure, PressureOptions } from "./client/pressure/pressure.js";
export type { ShedReason, Threshold, Thresholds } from "./client/pressure/shedding.js";
export type { SendRateOptions } from "./client/rate/channel-rate.js";
export type { Reader, ReadOptions } from "./client/reader.js";
export type { ErrorClass, ErrorCodeRule, RetryAction, RetryRule } from "./client/retry-rule.js";
export type { Schema } from "./client/schema.js";
export type { Sender, SendAllOptions, SendOptions } from "./client/sender.js";
export type { WorstCaseOptions } from "./client/worst-case.js";
export type { Settlement } from "./client/settlement.js";
export type { Clock, Timer } from "./base/clock.js";
export type { Duration } from "./base/duration.js";
export type { ErrorCode } from "./base/errors.js";
export type { Limits } from "./base/limits.js";
export type { Logger } from "./base/logger.js";
export type { Random } from "./base/random.js";
export type {
  Ability,
  ChannelInfo,
  ChannelKind,
  ChannelSpec,
  ChannelStats,
  Driver,
  Durability,
  GroupInfo,
  PartitionLag,
  PartitionHandover,
  PartitionMove,
  Rebalance,
  Receipt,
  StartPosition,
  Supports,
  WhenFull,
} from "./driver.js";

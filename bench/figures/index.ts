/** All of them, in the order of the report. */
import type { Figure } from "../figure.js";
import { backlog } from "./backlog.js";
import { capacityBlock } from "./capacity-block.js";
import { capacityDrop } from "./capacity-drop.js";
import { dedup } from "./dedup.js";
import { dedupMemory } from "./dedup-memory.js";
import { delayedFiring } from "./delayed-firing.js";
import { delayedMemory } from "./delayed-memory.js";
import { delayedSend } from "./delayed-send.js";
import { groups } from "./groups.js";
import { perKey } from "./per-key.js";
import { priorities } from "./priorities.js";
import { handle } from "./handle.js";
import { handleBatch } from "./handle-batch.js";
import { manyQueues } from "./many-queues.js";
import { read } from "./read.js";
import { readBatches } from "./read-batches.js";
import { send } from "./send.js";
import { sendAll } from "./send-all.js";
import { sendAll1kb } from "./send-all-1kb.js";
import { sendJson } from "./send-json.js";
import { sendLatency } from "./send-latency.js";
import { yardsticks } from "./yardsticks.js";

export const figures: readonly Figure[] = [
  yardsticks,
  sendAll,
  send,
  sendJson,
  sendAll1kb,
  handle,
  handleBatch,
  read,
  readBatches,
  sendLatency,
  manyQueues,
  backlog,
  perKey,
  priorities,
  delayedSend,
  delayedFiring,
  dedup,
  capacityBlock,
  capacityDrop,
  groups,
  delayedMemory,
  dedupMemory,
];

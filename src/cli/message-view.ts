import type { Message } from "../index.js";
import { type PresentedPayload, presentPayload } from "./payload.js";

/** A message as `--json` prints it. Fields are added, never renamed or removed. */
export interface MessageView extends PresentedPayload {
  readonly id: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly sentAt: string;
  readonly partition: number | null;
  readonly offset: number | string | null;
}

export function viewMessage(message: Message<Uint8Array>): MessageView {
  return {
    id: message.id,
    key: message.key ?? null,
    headers: message.headers,
    sentAt: message.sentAt.toISOString(),
    partition: message.partition ?? null,
    offset: viewOffset(message.offset),
    ...presentPayload(message.value),
  };
}

/** A number, as everybody expects, until numbers would be rounded; then a text. */
export function viewOffset(offset: bigint | undefined): number | string | null {
  if (offset === undefined) return null;
  return offset <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(offset) : String(offset);
}

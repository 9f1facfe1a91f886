import { Buffer } from "node:buffer";
import { inspect } from "node:util";
import type { IncomingDelivery, OutgoingMessage } from "../driver.js";
import { deadHeaders, errorTextMax } from "./dead-letter-headers.js";
import type { DeadReason } from "./dead-letters.js";
import { encodedBytes } from "./outgoing.js";

/** What is known of a message that goes to the dead letters. */
export interface Death {
  readonly channel: string;
  readonly group: string;
  readonly incoming: IncomingDelivery;
  readonly reason: DeadReason;
  readonly error: unknown;
  readonly attempts: number;
  readonly firstFailedAtMs: number;
  readonly lastFailedAtMs: number;
}

/**
 * The dead letter of a message: its key, its bytes and its headers as they are, and beside them what happened.
 * The bytes are copied: the driver's end with the delivery.
 */
export function deadLetterOf(death: Death, messageBytesMax: number): OutgoingMessage {
  const { incoming } = death;
  const message = { value: Buffer.from(incoming.value), key: incoming.key, id: undefined };
  const error = describeError(death.error);
  const story = { ...incoming.headers, ...storyOf(death), [deadHeaders.errorName]: error.name };
  const told = { [deadHeaders.errorMessage]: error.message };
  const stack = error.stack === undefined ? {} : { [deadHeaders.errorStack]: error.stack };
  // A message close to the limit leaves no room for long stories: the message itself goes first.
  const versions = [
    { ...story, ...told, ...stack },
    { ...story, ...told },
  ];
  const headers = versions.find((each) => encodedBytes({ ...message, headers: each }) <= messageBytesMax) ?? story;
  return { ...message, headers };
}

function storyOf(death: Death): Record<string, string> {
  const { incoming } = death;
  const story: Record<string, string> = {
    [deadHeaders.channel]: death.channel,
    [deadHeaders.id]: incoming.id,
    [deadHeaders.sentAt]: new Date(incoming.sentAtMs).toISOString(),
    [deadHeaders.reason]: death.reason,
    [deadHeaders.attempts]: String(death.attempts),
    [deadHeaders.firstFailedAt]: new Date(death.firstFailedAtMs).toISOString(),
    [deadHeaders.lastFailedAt]: new Date(death.lastFailedAtMs).toISOString(),
  };
  if (death.group !== "") story[deadHeaders.group] = death.group;
  if (incoming.priority !== undefined) story[deadHeaders.priority] = String(incoming.priority);
  if (incoming.partition !== undefined) story[deadHeaders.partition] = String(incoming.partition);
  if (incoming.offset !== undefined) story[deadHeaders.offset] = String(incoming.offset);
  return story;
}

export interface ErrorDescription {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Anything can be thrown, and what was thrown can throw when it is looked at: no message may hang on that. */
export function describeError(error: unknown): ErrorDescription {
  try {
    return described(error);
  } catch {
    return { name: "Error", message: "an error that cannot be read", stack: undefined };
  }
}

/** What is not an Error is shown as a person would print it. */
function described(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) {
    const name = error === null ? "null" : typeof error;
    return {
      name,
      message: cut(typeof error === "string" ? error : printed(error), errorTextMax.message),
      stack: undefined,
    };
  }
  const { name, message, stack } = error;
  return {
    name: cut(String(name), errorTextMax.name),
    message: cut(String(message), errorTextMax.message),
    stack: stack ? cut(String(stack), errorTextMax.stack) : undefined,
  };
}

function printed(thrown: unknown): string {
  try {
    return inspect(thrown, { depth: 2, breakLength: Infinity });
  } catch {
    return "a value that cannot be printed";
  }
}

function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

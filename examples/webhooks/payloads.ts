import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** What GitHub sends to a webhook: the fields this program looks at. The real payloads carry many more, and all are kept. */
export interface Payload {
  readonly action?: string;
  readonly repository?: { readonly full_name: string; readonly owner: Person };
  readonly organization?: Person;
  readonly sender?: Person;
  readonly issue?: Thread;
  readonly pull_request?: Thread;
  readonly discussion?: Thread;
  readonly comment?: { readonly user?: Person };
  readonly requested_reviewer?: Person;
  readonly pusher?: { readonly name: string; readonly email?: string | null };
  readonly check_run?: { readonly conclusion?: string | null };
  readonly workflow_job?: { readonly conclusion?: string | null };
  readonly workflow_run?: { readonly conclusion?: string | null };
}

export interface Person {
  readonly login: string;
}

/** An issue, a pull request or a discussion. */
export interface Thread {
  readonly user?: Person | null;
  readonly assignees?: readonly Person[];
}

/** One call of the webhook, as the intake saw it: GitHub's headers X-GitHub-Delivery and X-GitHub-Event, and the body. */
export interface WebhookEvent {
  readonly id: string;
  readonly name: string;
  readonly payload: Payload;
}

interface ExampleGroup {
  readonly name: string;
  readonly examples: readonly Payload[];
}

/** Real payloads, repeated for as long as asked, each time with a fresh id. The same number is always the same event. */
export class Payloads {
  readonly #examples: readonly { readonly name: string; readonly payload: Payload }[];

  constructor() {
    const path = createRequire(import.meta.url).resolve("@octokit/webhooks-examples");
    const groups = JSON.parse(readFileSync(path, "utf8")) as readonly ExampleGroup[];
    this.#examples = groups.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })));
  }

  get count(): number {
    return this.#examples.length;
  }

  event(number: number): WebhookEvent {
    // The package sorts them by type. A step that shares no factor with their count visits each, but mixed.
    const example = this.#examples[(number * mixingStep) % this.#examples.length];
    if (example === undefined) throw new RangeError(`no example for event ${number}`);
    return { id: eventId(number), name: example.name, payload: example.payload };
  }
}

const mixingStep = 101;
const idPrefix = "event-";

/** Counted from 0. */
export function eventId(number: number): string {
  return `${idPrefix}${String(number).padStart(7, "0")}`;
}

/** The number in an event's id; undefined for any other id. */
export function eventNumber(id: string): number | undefined {
  const digits = id.slice(idPrefix.length);
  return id.startsWith(idPrefix) && /^\d{7}$/.test(digits) ? Number(digits) : undefined;
}

/** What an event belongs to, and is ordered by: its repository, or what stands in for one. */
export function repositoryOf({ payload }: WebhookEvent): string {
  return payload.repository?.full_name ?? payload.organization?.login ?? payload.sender?.login ?? "unknown";
}

/** "issues.opened", or "push" where there is no action. */
export function typeOf({ name, payload }: WebhookEvent): string {
  return payload.action === undefined ? name : `${name}.${payload.action}`;
}

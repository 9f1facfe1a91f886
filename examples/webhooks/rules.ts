import { repositoryOf, typeOf, type Payload, type Person, type WebhookEvent } from "./payloads.js";

export interface Mail {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Alert {
  readonly id: string;
  readonly repository: string;
  readonly what: string;
}

/** Actions that people who take part in an issue, a pull request or a discussion want to hear of. */
const mailedActions = new Set([
  "opened",
  "closed",
  "reopened",
  "assigned",
  "ready_for_review",
  "review_requested",
  "submitted",
  "answered",
  "created",
]);

const alertingEvents = new Set([
  "branch_protection_rule",
  "code_scanning_alert",
  "dependabot_alert",
  "deploy_key",
  "public",
  "repository_vulnerability_alert",
  "security_advisory",
]);

/**
 * Who is mailed because of this event. Pure: the same event always gives the same mails with the same ids,
 * so that the check at the end can work out what must have been sent.
 */
export function mailsFor(event: WebhookEvent): Mail[] {
  const what = `${typeOf(event)} in ${repositoryOf(event)}`;
  return [...recipients(event)].map((to) => ({
    id: `${event.id}:${to}`,
    to,
    subject: `[${repositoryOf(event)}] ${typeOf(event)}`,
    text: `Hello,\n\n${event.payload.sender?.login ?? "somebody"} caused ${what}.\n`,
  }));
}

/** The alert this event raises, if it does. Pure, as above. */
export function alertFor(event: WebhookEvent): Alert | undefined {
  if (!alertingEvents.has(event.name)) return undefined;
  return { id: event.id, repository: repositoryOf(event), what: typeOf(event) };
}

function recipients(event: WebhookEvent): Set<string> {
  const people = [...participants(event.payload), ...reviewers(event.payload), ...ownersOfFailures(event.payload)];
  return new Set([...people.map(({ login }) => `${login.toLowerCase()}@mail.example`), ...pushers(event)]);
}

function participants(payload: Payload): Person[] {
  const thread = payload.issue ?? payload.pull_request ?? payload.discussion;
  if (thread === undefined || !mailedActions.has(payload.action ?? "")) return [];
  return [...(thread.user ? [thread.user] : []), ...(thread.assignees ?? [])];
}

function reviewers(payload: Payload): Person[] {
  return payload.requested_reviewer ? [payload.requested_reviewer] : [];
}

function ownersOfFailures({ check_run, workflow_job, workflow_run, repository }: Payload): Person[] {
  const failed = [check_run, workflow_job, workflow_run].some((run) => run?.conclusion === "failure");
  return failed && repository ? [repository.owner] : [];
}

/** The address that git recorded for whoever pushed. Often one that takes no mail: those become dead letters. */
function pushers({ name, payload }: WebhookEvent): string[] {
  const address = name === "push" ? payload.pusher?.email : undefined;
  return address ? [address.toLowerCase()] : [];
}

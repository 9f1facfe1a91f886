import type { Millrace } from "millrace";
import { decisions, emails } from "./channels.js";
import { alertFile, type AlertGroup } from "./groups/alerting.js";
import { auditFile, type AuditLine } from "./groups/audit.js";
import { metricsFile, readMetrics } from "./groups/metrics.js";
import { eventsPresent } from "./intake.js";
import { readNdjson } from "./ndjson-file.js";
import { Payloads } from "./payloads.js";
import type { Check, DeadLetters } from "./report.js";
import { alertFor, mailsFor, type Alert } from "./rules.js";
import { mailboxFile, type AcceptedMail } from "./smtp-sink.js";
import { Tally } from "./tally.js";
import type { Workspace } from "./workspace.js";

/** What the rules say must have come of the events, worked out again from the payloads alone. */
interface Expected {
  readonly mails: ReadonlySet<string>;
  readonly alerts: ReadonlySet<string>;
}

/** Counts every effect of every event where it was left: in the stream, in files, at the mail server, among the dead letters. */
export async function verify(
  mill: Millrace,
  workspace: Workspace,
): Promise<{ checks: Check[]; deadLetters: DeadLetters[] }> {
  const expected = expectations(workspace.events);
  const dead = await allDeadLetters(mill);
  const checks = [
    tallied("intake", "events in the stream", await eventsPresent(mill, workspace.events)),
    await auditCheck(workspace),
    await metricsCheck(workspace),
    tallied("notify", "decisions", await decisionsPresent(mill, workspace.events)),
    await mailCheck(workspace, expected, dead),
    await alertCheck("pager", workspace, expected),
    await alertCheck("chat", workspace, expected),
  ];
  return { checks, deadLetters: byReason(dead) };
}

function expectations(events: number): Expected {
  const payloads = new Payloads();
  const mails = new Set<string>();
  const alerts = new Set<string>();
  for (let number = 0; number < events; number += 1) {
    const event = payloads.event(number);
    for (const mail of mailsFor(event)) mails.add(mail.id);
    const alert = alertFor(event);
    if (alert !== undefined) alerts.add(alert.id);
  }
  return { mails, alerts };
}

export function tallied(part: string, what: string, tally: Tally): Check {
  const { distinct: found, missing, again, strangers } = tally;
  return { part, what, expected: found + missing, found, missing, again, strangers };
}

async function auditCheck(workspace: Workspace): Promise<Check> {
  const tally = new Tally(workspace.events);
  for (const line of await readNdjson<AuditLine>(workspace.out(auditFile))) tally.add(line.id);
  return tallied("audit", `lines in ${auditFile}`, tally);
}

async function metricsCheck(workspace: Workspace): Promise<Check> {
  const { events: found, skipped, byType } = await readMetrics(workspace.out(metricsFile));
  const sum = Object.values(byType).reduce((total, events) => total + events, 0);
  return {
    part: "metrics",
    what: `events counted, of ${Object.keys(byType).length} types`,
    expected: workspace.events,
    found: sum,
    missing: Math.max(0, workspace.events - sum),
    again: skipped,
    strangers: Math.max(0, sum - workspace.events) + Math.abs(found - sum),
  };
}

async function decisionsPresent(mill: Millrace, events: number): Promise<Tally> {
  const tally = new Tally(events);
  for await (const message of mill.read(decisions, { until: "end" })) tally.add(message.id);
  return tally;
}

async function mailCheck(workspace: Workspace, expected: Expected, dead: readonly DeadMail[]): Promise<Check> {
  const accepted = await readNdjson<AcceptedMail>(workspace.out(mailboxFile));
  const ids = [...accepted.map((mail) => mail.id), ...dead.map((letter) => letter.id)];
  return compared({ part: "mail", what: "mails delivered, or dead letters" }, expected.mails, ids);
}

async function alertCheck(group: AlertGroup, workspace: Workspace, expected: Expected): Promise<Check> {
  const seen = await readNdjson<Alert>(workspace.out(alertFile(group)));
  return compared(
    { part: group, what: "alerts" },
    expected.alerts,
    seen.map((alert) => alert.id),
  );
}

export function compared(
  of: { part: string; what: string },
  expected: ReadonlySet<string>,
  ids: readonly string[],
): Check {
  const distinct = new Set(ids);
  const found = [...distinct].filter((id) => expected.has(id)).length;
  return {
    ...of,
    expected: expected.size,
    found,
    missing: expected.size - found,
    again: ids.length - distinct.size,
    strangers: distinct.size - found,
  };
}

interface DeadMail {
  readonly id: string;
  readonly why: string;
}

const pageSize = 500;

async function allDeadLetters(mill: Millrace): Promise<DeadMail[]> {
  const dead: DeadMail[] = [];
  const letters = mill.admin.dead(emails);
  for (let after: string | undefined; ;) {
    const page = await letters.list({ limit: pageSize, after });
    dead.push(...page.map(({ origin, reason, error }) => ({ id: origin.id, why: `${reason}: ${error.message}` })));
    after = page.at(-1)?.id;
    if (page.length < pageSize) return dead;
  }
}

function byReason(dead: readonly DeadMail[]): DeadLetters[] {
  const reasons = new Map<string, { messages: number; example: string }>();
  for (const { id, why } of dead) reasons.set(why, { messages: (reasons.get(why)?.messages ?? 0) + 1, example: id });
  return [...reasons].map(([reason, rest]) => ({ reason, ...rest })).toSorted((a, b) => b.messages - a.messages);
}

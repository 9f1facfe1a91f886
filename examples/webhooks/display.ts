import { clockTime, count, table } from "./table.js";
import type { Part, Snapshot } from "./progress.js";

/** Where the program shows what it does. */
export interface Display {
  /** Live progress: drawn over the last one on a terminal; now and then as a line of its own elsewhere. */
  update(snapshot: Snapshot): void;
  /** Lines that stay. */
  print(...lines: readonly string[]): void;
}

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export function displayOn(screen: Screen): Display {
  return screen.isTTY === true ? new LiveDisplay(screen) : new PlainDisplay(screen);
}

/** Redraws in place. The only place that writes escape codes. */
class LiveDisplay implements Display {
  readonly #screen: Screen;
  #height = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  update(snapshot: Snapshot): void {
    // A line that wraps or scrolls away would make the next redraw start at the wrong place.
    const { columns = 80, rows = 24 } = this.#screen;
    const lines = frame(snapshot)
      .slice(0, rows - 1)
      .map((line) => line.slice(0, columns - 1));
    this.#screen.write(this.#erase() + lines.map((line) => `${line}\n`).join(""));
    this.#height = lines.length;
  }

  print(...lines: readonly string[]): void {
    this.#screen.write(this.#erase() + lines.map((line) => `${line}\n`).join(""));
    this.#height = 0;
  }

  /** Up to the first line of the last frame, and clears from there. */
  #erase(): string {
    return this.#height === 0 ? "" : `\u001b[${this.#height}A\u001b[J`;
  }
}

const plainEveryMs = 1_000;

/** For pipes and log files: plain lines, at most one of progress a second. */
class PlainDisplay implements Display {
  readonly #screen: Screen;
  #nextMs = plainEveryMs;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  update(snapshot: Snapshot): void {
    if (snapshot.elapsedMs < this.#nextMs) return;
    this.#nextMs = snapshot.elapsedMs + plainEveryMs;
    this.print(plainLine(snapshot));
  }

  print(...lines: readonly string[]): void {
    this.#screen.write(lines.map((line) => `${line}\n`).join(""));
  }
}

export function frame(snapshot: Snapshot): string[] {
  const { done, lag, mail } = snapshot;
  const row = (part: Part, what: string, rest: string): string[] => [
    part,
    what,
    count(done[part]),
    `${count(snapshot.perSecond[part])}/s`,
    rest,
  ];
  const rows = [
    ["", "", "done", "rate", "waiting"],
    row("intake", "→ stream webhooks", count(snapshot.events - done.intake)),
    row("audit", "group: NDJSON file", `lag ${count(lag.audit)}`),
    row("metrics", "group: counts", `lag ${count(lag.metrics)}`),
    row("notify", "group: decides who is mailed", `lag ${count(lag.notify)}`),
    row("mail", "queue emails → mail server", `depth ${count(mail.ready + mail.inFlight + mail.delayed)}`),
    row("pager", "topic alerts", `lag ${count(lag.pager)}`),
    row("chat", "topic alerts", `lag ${count(lag.chat)}`),
  ];
  return [
    `${bar(done.intake / snapshot.events)} ${count(done.intake)} of ${count(snapshot.events)} events, ${clockTime(snapshot.elapsedMs)}`,
    "",
    ...table(rows, 2),
    "",
    `mail: ${count(mail.inFlight)} in flight, ${count(mail.delayed)} waiting for a retry, ${count(mail.retries)} retries, ${count(mail.dead)} dead letters`,
    `last: ${snapshot.latest}`,
  ];
}

export function plainLine(snapshot: Snapshot): string {
  const { done, lag, mail } = snapshot;
  return [
    clockTime(snapshot.elapsedMs),
    `intake ${count(done.intake)} of ${count(snapshot.events)} (${count(snapshot.perSecond.intake)}/s)`,
    `lag audit ${count(lag.audit)}, metrics ${count(lag.metrics)}, notify ${count(lag.notify)}, pager ${count(lag.pager)}, chat ${count(lag.chat)}`,
    `mail ${count(done.mail)} (${count(snapshot.perSecond.mail)}/s), depth ${count(mail.ready + mail.inFlight + mail.delayed)}, ${count(mail.retries)} retries, ${count(mail.dead)} dead`,
  ].join(" · ");
}

const barCharacters = 24;

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * barCharacters);
  return "█".repeat(full) + "░".repeat(barCharacters - full);
}

import type { Consumer, Millrace } from "millrace";
import { ticker } from "./channels.js";
import type { Tick } from "./progress.js";
import type { Workspace } from "./workspace.js";

/** One consumer of the program, and what must be closed after it. */
export interface Part {
  readonly consumer: Consumer;
  close(): Promise<void>;
}

export interface PartContext {
  readonly mill: Millrace;
  readonly workspace: Workspace;
  /** Where the mail server listens. */
  readonly smtpPort: number;
}

/** Tells the display. It must not hold up or fail the work it tells of. */
export function tick(mill: Millrace, news: Tick): void {
  mill.send(ticker, news).catch(() => {});
}

/** A channel's side of its window: which ids were sent to it. A channel that never sees one has none, and pays nothing. */
import type { Log } from "../../log/log.js";
import type { OutgoingMessage } from "../message.js";
import type { KnownChannel } from "../meta.js";
import type { IdWindow } from "./id-window.js";
import type { IdWindows } from "./id-windows.js";

export class SentIds {
  readonly #log: Log;
  readonly #windows: IdWindows;
  readonly #channel: KnownChannel;
  #window: IdWindow | undefined;
  #duplicates = 0;

  constructor(log: Log, windows: IdWindows, channel: KnownChannel) {
    this.#log = log;
    this.#windows = windows;
    this.#channel = channel;
    this.#window = windows.find({ purpose: "sent", owner: channel.id });
    this.respecify();
  }

  /** Messages that were not stored, since the channel was opened. */
  get duplicates(): number {
    return this.#duplicates;
  }

  get remembered(): number {
    return this.#window?.size ?? 0;
  }

  get forgotten(): number {
    return this.#window?.forgotten ?? 0;
  }

  /** Whether a message with this id is stored, or on its way to the disk. */
  has(id: string): boolean {
    return this.#window !== undefined && this.#channel.spec.dedupMs !== undefined && this.#window.has(id);
  }

  /** A message was not stored, because its id was there. */
  countDuplicate(): void {
    this.#duplicates++;
  }

  /** Of an id that is not there: it rides in the commit that gathers. */
  add(id: string): void {
    const { dedupMs } = this.#channel.spec;
    if (dedupMs === undefined) return;
    this.#window ??= this.#windows.of({ purpose: "sent", owner: this.#channel.id }, dedupMs);
    if (this.#window.add(id)) this.#log.touch(this.#window);
  }

  /** The messages whose ids are not there, the first of each; undefined: all of them. */
  freshOf(messages: readonly OutgoingMessage[]): ReadonlySet<OutgoingMessage> | undefined {
    if (this.#channel.spec.dedupMs === undefined) return undefined;
    const ids = new Set<string>();
    const fresh = new Set<OutgoingMessage>();
    for (const message of messages) {
      const { id } = message;
      if (id !== undefined && (ids.has(id) || this.has(id))) continue;
      if (id !== undefined) ids.add(id);
      fresh.add(message);
    }
    return fresh.size === messages.length ? undefined : fresh;
  }

  respecify(): void {
    const { dedupMs } = this.#channel.spec;
    if (this.#window !== undefined && dedupMs !== undefined) this.#window.windowMs = dedupMs;
  }
}

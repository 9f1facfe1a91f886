import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { chance } from "./chance.js";
import { NdjsonFile } from "./ndjson-file.js";
import { LineReader } from "./smtp-lines.js";

export const mailboxFile = "mailbox.ndjson";

export interface SinkOptions {
  /** Accepted mails, one a line; what the mailboxes of the world would hold. */
  readonly mailbox: string;
  /** The share of mails that is turned away for now ("451"), between 0 and 1. */
  readonly failShare: number;
  readonly seed: number;
}

export interface AcceptedMail {
  readonly id: string;
  readonly to: string;
  readonly attempt: number;
}

/** One mail as it is being handed over. */
interface Draft {
  recipient: string | undefined;
  lines: string[] | undefined;
}

/**
 * A mail server to try things on: enough of SMTP (RFC 5321) for one recipient a mail, on 127.0.0.1 alone.
 *
 * - A mail is accepted ("250") only after it is on disk, as a real server does it.
 * - A fixed share is turned away for now ("451"). Which ones follows from the seed, the mail's id and its attempt,
 *   so a run can be repeated.
 * - Addresses at a "noreply" host do not exist ("550"), and octocat's mailbox is always full ("452").
 */
export class SmtpSink {
  readonly #options: SinkOptions;
  readonly #mailbox: NdjsonFile;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: SinkOptions, mailbox: NdjsonFile) {
    this.#options = options;
    this.#mailbox = mailbox;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#converse(socket).catch(() => socket.destroy()); // the client went away, or sent what is not SMTP
    });
  }

  static async start(options: SinkOptions): Promise<SmtpSink> {
    const sink = new SmtpSink(options, await NdjsonFile.open(options.mailbox));
    await new Promise<void>((resolve, reject) => {
      sink.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return sink;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#mailbox.close();
  }

  async #converse(socket: Socket): Promise<void> {
    socket.setNoDelay(true).write("220 sink.example ready\r\n");
    const draft: Draft = { recipient: undefined, lines: undefined };
    for await (const line of new LineReader(socket)) {
      const reply = draft.lines ? await this.#takeLine(draft, line) : command(draft, line);
      if (reply !== undefined) socket.write(`${reply}\r\n`);
      if (reply?.startsWith("221")) socket.end();
    }
  }

  /** A line of the mail itself. Answers after the last one, which is a dot. */
  async #takeLine(draft: Draft, line: string): Promise<string | undefined> {
    if (line !== ".") {
      draft.lines?.push(line.startsWith(".") ? line.slice(1) : line);
      return undefined;
    }
    const mail: AcceptedMail = {
      id: header(draft, "message-id").replace(/^<|>$/g, ""),
      to: draft.recipient ?? "",
      attempt: Number(header(draft, "x-attempt")),
    };
    startOver(draft);
    if (this.#failsNow(mail)) return "451 4.3.0 greylisted, try again later";
    await this.#mailbox.append([mail]);
    return "250 2.0.0 accepted";
  }

  #failsNow(mail: AcceptedMail): boolean {
    return chance(this.#options.seed, `${mail.id} ${mail.attempt}`) < this.#options.failShare;
  }
}

function command(draft: Draft, line: string): string {
  const verb = line.slice(0, 4).toUpperCase();
  switch (verb) {
    case "EHLO":
    case "HELO":
      return "250 sink.example";
    case "MAIL":
    case "RSET":
      startOver(draft);
      return "250 2.0.0 ok";
    case "RCPT":
      return recipient(draft, /^RCPT TO:<([^>]+)>/i.exec(line)?.[1]);
    case "DATA":
      if (draft.recipient === undefined) return "503 5.5.1 RCPT first";
      draft.lines = [];
      return "354 end with a dot on a line by itself";
    case "QUIT":
      return "221 2.0.0 bye";
    default:
      return "500 5.5.2 unknown command";
  }
}

function recipient(draft: Draft, address: string | undefined): string {
  if (address === undefined) return "501 5.5.4 no address";
  if (/@(.*\.)?noreply\./.test(address)) return "550 5.1.1 this address takes no mail";
  if (address.startsWith("octocat@")) return "452 4.2.2 mailbox full";
  draft.recipient = address;
  return "250 2.1.5 ok";
}

function startOver(draft: Draft): void {
  draft.recipient = undefined;
  draft.lines = undefined;
}

function header(draft: Draft, name: string): string {
  const line = draft.lines?.find((candidate) => candidate.toLowerCase().startsWith(`${name}:`)) ?? "";
  return line.slice(name.length + 1).trim();
}

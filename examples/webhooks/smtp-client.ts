import { connect, type Socket } from "node:net";
import type { Mail } from "./rules.js";
import { LineReader } from "./smtp-lines.js";

/** The mail server said no. 4xx: perhaps later. 5xx: never. */
export class SmtpError extends Error {
  override readonly name = "SmtpError";
  readonly code: number;

  constructor(reply: string) {
    super(reply);
    this.code = Number(reply.slice(0, 3));
  }

  get permanent(): boolean {
    return this.code >= 500;
  }
}

/** Hands mails to one server; connections are kept and used again, one mail at a time on each. */
export class SmtpClient {
  readonly #port: number;
  readonly #idle: Connection[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** Resolves once the server has taken the mail over. Rejects with SmtpError when it did not want it. */
  async deliver(mail: Mail, attempt: number): Promise<void> {
    const connection = this.#idle.pop() ?? (await Connection.open(this.#port));
    try {
      await connection.deliver(mail, attempt);
      this.#idle.push(connection);
    } catch (error) {
      if (!(error instanceof SmtpError)) connection.close();
      else this.#idle.push(connection);
      throw error;
    }
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #replies: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#replies = new LineReader(socket)[Symbol.asyncIterator]();
  }

  static async open(port: number): Promise<Connection> {
    const connection = new Connection(connect({ port, host: "127.0.0.1", noDelay: true }));
    await connection.#reply();
    await connection.#say("EHLO millrace.example");
    return connection;
  }

  async deliver(mail: Mail, attempt: number): Promise<void> {
    await this.#say("MAIL FROM:<events@millrace.example>");
    await this.#say(`RCPT TO:<${mail.to.replaceAll(/[\r\n<>]/g, "")}>`);
    await this.#say("DATA");
    await this.#say(`${wireText(mail, attempt)}\r\n.`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #say(text: string): Promise<string> {
    this.#socket.write(`${text}\r\n`);
    return this.#reply();
  }

  async #reply(): Promise<string> {
    const { value, done } = await this.#replies.next();
    if (done) throw new Error("the mail server closed the connection");
    if (value >= "400") throw new SmtpError(value);
    return value;
  }
}

function wireText(mail: Mail, attempt: number): string {
  const body = mail.text.replaceAll(/\r?\n/g, "\r\n").replaceAll(/^\./gm, "..");
  // The subject carries text from outside: an end of line in it would become a header of its own.
  const subject = mail.subject.replaceAll(/[\r\n]+/g, " ");
  return [
    `Message-ID: <${mail.id}>`,
    `X-Attempt: ${attempt}`,
    `To: <${mail.to}>`,
    `Subject: ${subject}`,
    "",
    body,
  ].join("\r\n");
}

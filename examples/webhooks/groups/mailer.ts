import { done, reject } from "millrace";
import { emails } from "../channels.js";
import { tick, type Part, type PartContext } from "../part.js";
import { SmtpClient, SmtpError } from "../smtp-client.js";

/** Mails on their way to the mail server at once. */
const concurrency = 16;

/**
 * Hands each mail to the mail server. What the server does not want now is tried again by the queue's backoff, and after the last
 * attempt becomes a dead letter; what it will never want becomes one at once. Its own words are the reason either way.
 */
export async function startMailer({ mill, smtpPort }: PartContext): Promise<Part> {
  const client = new SmtpClient(smtpPort);
  const consumer = mill.handle(
    emails,
    async (mail, delivery) => {
      try {
        await client.deliver(mail, delivery.attempt);
      } catch (error) {
        if (error instanceof SmtpError && error.permanent) return reject(error.message);
        tick(mill, { part: "mail", count: 0, retries: 1 });
        throw error;
      }
      tick(mill, { part: "mail", count: 1 });
      return done();
    },
    { concurrency },
  );
  return { consumer, close: async () => client.close() };
}

/**
 * The smallest whole program: a queue that lives in a directory, a handler and a message.
 * `send` resolves once the message is on disk. When the handler returns, the message is gone; were it to throw, it would come again.
 */
import { open, queue } from "millrace";

const emails = queue<{ to: string }>("emails");

await using mill = await open("./data");

const delivered = new Promise((resolve) => {
  mill.handle(emails, async (email) => {
    console.log(`delivering to ${email.to}`);
    resolve(email);
  });
});

await mill.send(emails, { to: "ada@example.org" });
await delivered;

// Output:
// delivering to ada@example.org

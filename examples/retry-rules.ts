/**
 * Not every error deserves the same patience: rules by class of error, the first that fits.
 * Without one, the channel's own `attempts` and `backoff` hold.
 */
import { fixed, on, open, queue } from "millrace";

class InvalidAddress extends Error {}
class ServerBusy extends Error {}

const emails = queue<{ to: string }>("emails", { attempts: 2, backoff: fixed("1m") });

await using mill = await open("memory:");

const allDone = new Promise<void>((resolve) => {
  mill.handle(
    emails,
    async ({ to }, delivery) => {
      console.log(`${to}, attempt ${delivery.attempt}`);
      if (!to.includes("@")) throw new InvalidAddress(to);
      if (delivery.attempt < 4) throw new ServerBusy();
      resolve();
    },
    { retry: [on(InvalidAddress, "reject"), on(ServerBusy, { attempts: 10, backoff: fixed("5ms") })] },
  );
});

await mill.sendAll(emails, [{ to: "nowhere" }, { to: "ada@example.org" }]);
await allDone;
for (const letter of await mill.admin.dead(emails).list()) {
  console.log(`dead: ${letter.message.value.to}, ${letter.reason} after ${letter.attempts} attempt`);
}

// Output:
// nowhere, attempt 1
// ada@example.org, attempt 1
// ada@example.org, attempt 2
// ada@example.org, attempt 3
// ada@example.org, attempt 4
// dead: nowhere, rejected after 1 attempt

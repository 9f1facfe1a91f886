/**
 * A hundred dead letters are rarely a hundred problems. Count them by cause, redrive what was an accident at a rate the other
 * side can bear, repair on the way what was written wrongly, and drop the rest.
 */
import { open, queue, silentLogger } from "millrace";

class ServerBusy extends Error {
  override readonly name = "ServerBusy";
}
class InvalidAddress extends Error {
  override readonly name = "InvalidAddress";
}

const mails = queue<{ to: string }>("mails", { attempts: 1 });

await using mill = await open("memory:", { logger: silentLogger });
let isServerBusy = true;
const delivered: string[] = [];

mill.handle(
  mails,
  ({ to }, { redriven }) => {
    if (to.includes("@@")) throw new InvalidAddress(`"${to}" is no address`);
    if (isServerBusy) throw new ServerBusy(`server ${to.length} has no time`);
    delivered.push(`${to}, redriven ${redriven} time`);
  },
  { concurrency: 10 },
);

await mill.sendAll(mails, [{ to: "ada@example.org" }, { to: "bob@@example.org" }, { to: "cyd@example.com" }]);
const dead = mill.admin.dead(mails);
while ((await dead.list()).length < 3) await new Promise((resolve) => setTimeout(resolve, 5));

for (const { count, error, example } of await dead.causes()) {
  console.log(`${count} × ${error.name}, such as ${example.message.value.to}`);
}

isServerBusy = false;
console.log(`would come back: ${await dead.redrive({ all: true, error: "ServerBusy" }, { dryRun: true })}`);
await dead.redrive({ all: true, error: "ServerBusy" }, { rate: 100 });
await dead.redrive(
  { all: true, error: "InvalidAddress" },
  { edit: ({ message }) => ({ value: { to: message.value.to.replace("@@", "@") } }) },
);
while (delivered.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
for (const each of delivered.toSorted()) console.log(each);
console.log(`dead letters left: ${(await dead.list()).length}`);

// Output:
// 2 × ServerBusy, such as ada@example.org
// 1 × InvalidAddress, such as bob@@example.org
// would come back: 2
// ada@example.org, redriven 1 time
// bob@example.org, redriven 1 time
// cyd@example.com, redriven 1 time
// dead letters left: 0

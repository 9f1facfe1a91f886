/**
 * At least once means: after a crash or a failure late in a handler, a message comes again. The effect must bear that.
 * Here it does by remembering, in the same place as the effect, which message it came from.
 */
import { fixed, open, queue } from "millrace";

interface Deposit {
  readonly id: string;
  readonly euros: number;
}

const deposits = queue<Deposit>("deposits", {
  id: (deposit) => deposit.id,
  dedup: 0, // a second send shall come through here, to show what the handler does about it
  backoff: fixed("200ms"),
});

/** Stands for a table: balance and applied ids change in one database transaction. */
const account = { euros: 0, applied: new Set<string>() };

await using mill = await open("memory:");

let deliveries = 0;
const allDone = new Promise<void>((resolve) => {
  mill.handle(deposits, async ({ euros }, delivery) => {
    const { id } = delivery.message;
    const fresh = !account.applied.has(id);
    if (fresh) {
      account.applied.add(id);
      account.euros += euros;
    }
    console.log(`${id}, attempt ${delivery.attempt}: ${fresh ? "applied" : "had been applied"}`);
    deliveries += 1;
    if (deliveries === 3) resolve();
    if (fresh) throw new Error("the connection broke after the effect, before the message was settled");
  });
});

const deposit = { id: "d-1", euros: 100 };
await mill.send(deposits, deposit);
await mill.send(deposits, deposit); // the caller, too, was not sure and tried again
await allDone;
console.log(`balance: ${account.euros}`);

// Output:
// d-1, attempt 1: applied
// d-1, attempt 1: had been applied
// d-1, attempt 2: had been applied
// balance: 100

/**
 * At least once means: after a crash or a failure late in a handler, a message comes again. The effect must bear that.
 * Here it does by remembering, in the same place as the effect, which message it came from.
 */
import { fixed, open, queue } from "millrace";

interface Deposit {
  readonly id: string;
  readonly euros: number;
}

const deposits = queue<Deposit>("deposits", { id: (deposit) => deposit.id, backoff: fixed("5ms") });

/** Stands for a table: balance and applied ids change in one database transaction. */
const account = { euros: 0, applied: new Set<string>() };

await using mill = await open("memory:");

const allDone = new Promise<void>((resolve) => {
  mill.handle(deposits, async ({ euros }, delivery) => {
    const { id } = delivery.message;
    const fresh = !account.applied.has(id);
    if (fresh) {
      account.applied.add(id);
      account.euros += euros;
    }
    console.log(`${id}, attempt ${delivery.attempt}: ${fresh ? "applied" : "had been applied"}`);
    if (delivery.attempt === 1)
      throw new Error("the connection broke after the effect, before the message was settled");
    resolve();
  });
});

await mill.send(deposits, { id: "d-1", euros: 100 });
const again = await mill.send(deposits, { id: "d-1", euros: 100 }); // the caller, too, tried twice
console.log(`sent twice, stored twice: ${!again.duplicate}`);
await allDone;
console.log(`balance: ${account.euros}`);

// Output:
// sent twice, stored twice: false
// d-1, attempt 1: applied
// d-1, attempt 2: had been applied
// balance: 100

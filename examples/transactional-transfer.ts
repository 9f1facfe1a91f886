/**
 * Money moves from one account to another: the debit, the credit and the settlement of the order are one commit, in three channels.
 * A failure between the two leaves neither, whoever reads meanwhile sees both or none, and the order comes again.
 */
import { fixed, open, queue, stream } from "millrace";

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly cents: number;
}

const transfers = queue<Transfer>("transfers", { backoff: fixed("5ms") });
const debits = stream<{ account: string; cents: number }>("debits", { partitions: 1 });
const credits = stream<{ account: string; cents: number }>("credits", { partitions: 1 });

await using mill = await open("memory:");

const consumer = mill.handle(
  transfers,
  async ({ from, to, cents }, delivery) => {
    await delivery.send(debits, { account: from, cents });
    if (delivery.attempt === 1) throw new Error("failed between debit and credit");
    await delivery.send(credits, { account: to, cents });
    console.log(`attempt ${delivery.attempt}: ${cents} from ${from} to ${to}`);
  },
  { guarantee: "transactional" }, // refuses a broker that could not keep this promise
);

await mill.send(transfers, { from: "ada", to: "bob", cents: 2_500 });
while ((await mill.admin.stats(transfers)).messages > 0) await new Promise((resolve) => setTimeout(resolve, 5));
await consumer.close();

for await (const { value } of mill.read(debits, { until: "end" }))
  console.log(`debit of ${value.account}: ${value.cents}`);
for await (const { value } of mill.read(credits, { until: "end" }))
  console.log(`credit of ${value.account}: ${value.cents}`);

// Output:
// attempt 2: 2500 from ada to bob
// debit of ada: 2500
// credit of bob: 2500

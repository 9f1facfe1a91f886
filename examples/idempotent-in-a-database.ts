/**
 * Where the effect is a row in a database of your own, the mark belongs there too: `once` takes a store, which notes the key and runs the handler
 * in one transaction. The handler finds the transaction where the store has put it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { fixed, type IdempotencyStore, open, queue } from "millrace";

interface Deposit {
  readonly id: string;
  readonly euros: number;
}

/** Stands for a database: what a transaction has changed is there when it ends well, and not when it fails. */
class Database {
  tables = { euros: 0, done: new Set<string>() };

  async transaction<R>(work: (tables: Database["tables"]) => Promise<R>): Promise<R> {
    const changed = { ...this.tables, done: new Set(this.tables.done) };
    const result = await work(changed);
    this.tables = changed;
    return result;
  }
}

const database = new Database();
const current = new AsyncLocalStorage<Database["tables"]>();

const inDatabase: IdempotencyStore<Deposit> = {
  by: ({ value }) => value.id,
  once: (key, effect) =>
    database.transaction(async (tables) => {
      if (tables.done.has(key)) return false; // INSERT … ON CONFLICT DO NOTHING, and no row was inserted
      tables.done.add(key);
      await current.run(tables, effect);
      return true;
    }),
};

const deposits = queue<Deposit>("deposits", { backoff: fixed("5ms") });

await using mill = await open("memory:");

let broken = false;
mill.handle(
  deposits,
  ({ euros }) => {
    const tables = current.getStore() as Database["tables"];
    console.log(`adding ${euros} to ${tables.euros}`);
    tables.euros += euros;
    if (broken) return;
    broken = true;
    throw new Error("the connection broke before the commit");
  },
  { once: inDatabase },
);

for (let times = 0; times < 2; times++) await mill.send(deposits, { id: "d-1", euros: 100 });
while ((await mill.admin.stats(deposits)).messages > 0) await new Promise((resolve) => setTimeout(resolve, 5));
console.log(`balance: ${database.tables.euros}`);

// Output:
// adding 100 to 0
// adding 100 to 0
// balance: 100

/**
 * A queue table in SQLite by `better-sqlite3`, as one writes it on an afternoon: WAL mode, `synchronous=FULL`, so that a
 * commit returns after its fsync, as ours does.
 */
import { join } from "node:path";
import type { Contender } from "../contest.js";
import { DrainRounds, rateOf, timesOf } from "../work.js";
import { type BetterSqlite, type Database, type Statement, loadPeer } from "./installed.js";

export class Sqlite {
  readonly database: Database;
  readonly insert: Statement;

  static async open(directory: string): Promise<Sqlite> {
    const { default: open } = await loadPeer<BetterSqlite>("better-sqlite3");
    return new Sqlite(new open(join(directory, "queue.db")));
  }

  private constructor(database: Database) {
    this.database = database;
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.exec("CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY, value BLOB NOT NULL)");
    this.insert = database.prepare("INSERT INTO queue (value) VALUES (?)");
  }
}

export interface SqliteOptions<T> {
  readonly values: readonly T[];
  /** What is bound to the statement. Default: the value itself. */
  readonly encode?: (value: T) => unknown;
  /** Messages of one transaction. */
  readonly transaction: number;
}

/** Inserts in transactions. Messages a second; with `times`, milliseconds of each transaction. */
export class SqliteSends<T> implements Contender {
  readonly name: string;
  readonly #options: SqliteOptions<T>;
  readonly #times: boolean;
  #sqlite: Sqlite | undefined;
  #step: () => number = () => 0;

  constructor(options: SqliteOptions<T>, times = false) {
    this.#options = options;
    this.#times = times;
    this.name = `sqlite-${options.transaction}`;
  }

  async open(directory: string): Promise<void> {
    const { values, transaction, encode = (value: T): unknown => value } = this.#options;
    const { database, insert } = (this.#sqlite = await Sqlite.open(directory));
    let next = 0;
    const insertOne = (): void => void insert.run(encode(values[next++ % values.length] as T));
    const insertMany = database.transaction(() => {
      for (let count = 0; count < transaction; count++) insertOne();
    });
    this.#step = () => {
      // A statement alone is a transaction of its own.
      if (transaction === 1) insertOne();
      else insertMany();
      return transaction;
    };
  }

  round(seconds: number): Promise<readonly number[]> {
    return this.#times ? timesOf(seconds, this.#step) : rateOf(seconds, this.#step);
  }

  async close(): Promise<void> {
    this.#sqlite?.database.close();
  }
}

/** Takes the oldest out, in transactions: select, handle, delete, commit. Messages a second. */
export class SqliteHandles implements Contender {
  readonly name: string;
  readonly #values: readonly Uint8Array[];
  readonly #transaction: number;
  readonly #rounds: DrainRounds;
  #sqlite: Sqlite | undefined;
  #take: () => number = () => 0;

  constructor(options: { readonly values: readonly Uint8Array[]; readonly transaction: number }) {
    this.#values = options.values;
    this.#transaction = options.transaction;
    this.name = `sqlite-${options.transaction}`;
    this.#rounds = new DrainRounds({
      fill: async (messages) => this.#fill(messages),
      drain: async (messages) => {
        for (let taken = 0; taken < messages;) taken += this.#take();
      },
    });
  }

  async open(directory: string): Promise<void> {
    const { database } = (this.#sqlite = await Sqlite.open(directory));
    const select = database.prepare("SELECT id, value FROM queue ORDER BY id LIMIT ?");
    const remove = database.prepare("DELETE FROM queue WHERE id <= ?");
    let taken = 0;
    const takeMany = database.transaction(() => {
      const rows = select.all(this.#transaction) as { id: number; value: Uint8Array }[];
      const last = rows.at(-1);
      if (last === undefined) throw new Error("the table is empty too early");
      remove.run(last.id);
      taken = rows.length;
    });
    this.#take = () => {
      takeMany();
      return taken;
    };
  }

  #fill(messages: number): void {
    const { database, insert } = this.#sqlite as Sqlite;
    database.transaction(() => {
      for (let count = 0; count < messages; count++) insert.run(this.#values[count % this.#values.length]);
    })();
  }

  prepare(seconds: number): Promise<void> {
    return this.#rounds.prepare(seconds);
  }

  round(): Promise<readonly number[]> {
    return this.#rounds.round();
  }

  async close(): Promise<void> {
    this.#sqlite?.database.close();
  }
}

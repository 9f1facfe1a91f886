/**
 * The peers are installed on demand and into this folder only: `npm ci --prefix bench/peers`. So they are loaded at run time
 * and described here as far as they are used.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../directory.js";

export const installCommand = "npm ci --prefix bench/peers";

const peersRequire = createRequire(join(projectRoot(), "bench", "peers", "package.json"));

/** Where it is. @throws an error that says how to install it. */
function find(name: string): string {
  try {
    return peersRequire.resolve(name);
  } catch (cause) {
    throw new Error(`${name} is not installed: run \`${installCommand}\` first`, { cause });
  }
}

/** Before anything is measured: @throws when one is missing. */
export function requirePeers(): void {
  for (const name of ["better-sqlite3", "lmdb", "plainjob"]) find(name);
}

/** The module's namespace. */
export async function loadPeer<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(find(name)).href)) as T;
}

/** better-sqlite3 */
export interface Statement {
  run(...values: unknown[]): { changes: number };
  all(...values: unknown[]): unknown[];
  get(...values: unknown[]): unknown;
}
export interface Database {
  pragma(text: string): unknown;
  exec(text: string): void;
  prepare(text: string): Statement;
  transaction<A extends unknown[]>(work: (...values: A) => void): (...values: A) => void;
  close(): void;
}
export interface BetterSqlite {
  readonly default: new (path: string) => Database;
}

/** lmdb */
export interface Lmdb {
  open(options: { path: string; encoding: "binary" | "json"; keyEncoding: "uint32" }): LmdbStore;
}
export interface LmdbStore {
  put(key: number, value: unknown): Promise<boolean>;
  readonly flushed: Promise<unknown>;
  close(): Promise<void>;
}

/** plainjob */
export interface Plainjob {
  better(database: Database): unknown;
  defineQueue(options: {
    connection: unknown;
    logger: PlainjobLogger;
    serializer?: (data: unknown) => string;
  }): PlainjobQueue;
  defineWorker(
    type: string,
    work: () => void,
    options: { queue: PlainjobQueue; logger: PlainjobLogger },
  ): PlainjobWorker;
}
export interface PlainjobQueue {
  add(type: string, data: unknown): unknown;
  addMany(type: string, data: readonly unknown[]): unknown;
  close(): void;
}
export interface PlainjobWorker {
  start(): Promise<void>;
  stop(): Promise<void>;
}
export type PlainjobLogger = Record<"debug" | "info" | "warn" | "error", (text: string) => void>;

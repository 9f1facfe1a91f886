/**
 * What reading a segment costs before a single record is looked at: `node --expose-gc build/bench/micro/read-bound.js`. Nothing
 * that checks what it reads can be faster than "with its checksum". In processor time, medians of rounds taken in turn, so that a
 * busy machine can be measured too.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "../../src/base/crc32c.js";
import { median } from "../statistics.js";

const mebibyte = 1024 * 1024;
const fileBytes = 200 * mebibyte;
const rounds = 11;

const root = mkdtempSync(join(tmpdir(), "millrace-bench-"));
const path = join(root, "file");
writeFileSync(path, Buffer.alloc(fileBytes, 7));
const descriptor = openSync(path, "r");
const reused = Buffer.alloc(mebibyte);

function readAll(memory: () => Buffer, look: (bytes: Buffer) => void): void {
  for (let position = 0; position < fileBytes; position += mebibyte) {
    const into = memory();
    readSync(descriptor, into, 0, mebibyte, position);
    look(into);
  }
}

const same = (): Buffer => reused;
const fresh = (): Buffer => Buffer.allocUnsafeSlow(mebibyte);
const nothing = (): void => {};
const ways: readonly (readonly [string, () => void])[] = [
  ["cached reads", () => readAll(same, nothing)],
  ["with its checksum", () => readAll(same, crc32c)],
  ["into fresh memory", () => readAll(fresh, nothing)],
  ["into fresh memory, with its checksum", () => readAll(fresh, crc32c)],
];

const samples = new Map<string, number[]>(ways.map(([name]) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, read] of ways) {
    globalThis.gc?.();
    const before = process.cpuUsage();
    read();
    const { user, system } = process.cpuUsage(before);
    samples.get(name)?.push(fileBytes / (user + system) / 1000);
  }
}

const reference = median(samples.get("cached reads") ?? []);
for (const [name, rates] of samples) {
  console.log(`${name}: ${median(rates).toFixed(2)} GB/s (${(median(rates) / reference).toFixed(2)})`);
}
closeSync(descriptor);
rmSync(root, { recursive: true });

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The bytes of a golden file. */
export function golden(name: string): Buffer {
  return readFileSync(pathOf(name));
}

/**
 * `bytes` must be what the golden file holds. `WRITE_GOLDEN=1` writes files that do not exist yet; it never
 * changes one: what a release has written to disks must be readable by all later ones.
 */
export function expectGolden(name: string, bytes: Uint8Array): void {
  const path = pathOf(name);
  if (process.env["WRITE_GOLDEN"] === "1" && !existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  expect(existsSync(path), `${name} is missing`).toBe(true);
  expect(Buffer.from(bytes).equals(readFileSync(path)), `${name} differs from what is written now`).toBe(true);
}

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The bytes of a golden file. */
export function golden(name: string): Buffer {
  return readFileSync(pathOf(name));
}

/**
 * How `bytes` compare with the golden file. `WRITE_GOLDEN=1` writes files that do not exist yet; it never
 * changes one: what a release has written to disks must be readable by all later ones.
 */
export function compareGolden(name: string, bytes: Uint8Array): "same" | "different" | "missing" {
  const path = pathOf(name);
  if (process.env["WRITE_GOLDEN"] === "1" && !existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  if (!existsSync(path)) return "missing";
  return Buffer.from(bytes).equals(readFileSync(path)) ? "same" : "different";
}

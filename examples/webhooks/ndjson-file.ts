import { constants } from "node:fs";
import { open, readFile, type FileHandle } from "node:fs/promises";

/**
 * A file of one JSON value a line that survives a crash at any moment: `append` resolves once the lines are on disk,
 * and a last line that a kill cut short is removed when the file is opened again. Whoever wrote it was never told
 * that it had been written, and so will write it again.
 */
export class NdjsonFile {
  readonly #file: FileHandle;
  /** One write at a time. Once one fails, all later ones do: the file's end is no longer known. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<NdjsonFile> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND);
    await cutTornLine(file);
    return new NdjsonFile(file);
  }

  append(values: readonly unknown[]): Promise<void> {
    const text = values.map((value) => `${JSON.stringify(value)}\n`).join("");
    this.#writing = this.#writing.then(() => this.#write(text));
    return this.#writing;
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {}); // already reported to whoever appended
    await this.#file.close();
  }

  async #write(text: string): Promise<void> {
    await this.#file.appendFile(text);
    await this.#file.datasync();
  }
}

/** Every value of such a file; none when it was never written. */
export async function readNdjson<T>(path: string): Promise<T[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
}

const newline = 0x0a;
const stepBytes = 64 * 1024;

async function cutTornLine(file: FileHandle): Promise<void> {
  let { size: endBytes } = await file.stat();
  const buffer = Buffer.alloc(stepBytes);
  while (endBytes > 0) {
    const fromBytes = Math.max(0, endBytes - stepBytes);
    const { bytesRead } = await file.read(buffer, 0, endBytes - fromBytes, fromBytes);
    const lastNewline = buffer.subarray(0, bytesRead).lastIndexOf(newline);
    if (lastNewline >= 0) return file.truncate(fromBytes + lastNewline + 1);
    endBytes = fromBytes;
  }
  await file.truncate(0);
}

import { basename, dirname, resolve } from "node:path";
import type { DiskFile } from "../disk/disk.js";
import { nodeDisk } from "../disk/node.js";
import { CommandError } from "./failure.js";

/** A line of input without its line break, and where it stands. */
export interface Line {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Bytes of input up to and with this line. */
  readonly endsAt: number;
}

const chunkBytes = 256 * 1024;

/** A file's bytes, a chunk at a time. FILE_UNREADABLE when it is missing, or no file. */
export class InputFile {
  readonly bytes: number;
  readonly #path: string;
  readonly #file: DiskFile;

  private constructor(path: string, file: DiskFile, bytes: number) {
    this.#path = path;
    this.#file = file;
    this.bytes = bytes;
  }

  static open(path: string): InputFile {
    const absolute = resolve(path);
    try {
      const file = nodeDisk(dirname(absolute)).open(basename(absolute), "read");
      return new InputFile(path, file, file.size());
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  *chunks(): Generator<Uint8Array> {
    for (let position = 0; ;) {
      const chunk = new Uint8Array(chunkBytes);
      const read = this.#read(chunk, position);
      if (read === 0) return;
      position += read;
      yield chunk.subarray(0, read);
    }
  }

  close(): void {
    this.#file.close();
  }

  #read(into: Uint8Array, position: number): number {
    try {
      return this.#file.read(into, position);
    } catch (error) {
      // A directory opens like a file, and so does a pipe, which cannot be read at a position.
      throw unreadable(this.#path, error);
    }
  }
}

function unreadable(path: string, error: unknown): CommandError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CommandError("FILE_UNREADABLE", `cannot read ${path}: ${why}; what is no plain file can be piped in`, {
    cause: error,
  });
}

const lineBreak = 10;

/** Splits at "\n". A line may be cut from many chunks, but is never longer than `lineBytesMax`: memory stays bounded. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<Line> {
  let number = 1;
  let endsAt = 0;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(lineBreak); end !== -1; end = chunk.indexOf(lineBreak, start)) {
      const bytes = joined(held, chunk.subarray(start, end));
      endsAt += bytes.length + 1;
      yield { number, bytes, endsAt };
      number += 1;
      held = [];
      heldBytes = 0;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    heldBytes += rest.length;
    if (heldBytes > lineBytesMax) {
      throw new CommandError(
        "INPUT_INVALID",
        `line ${number} is longer than ${lineBytesMax} bytes: no message can be that large`,
      );
    }
    if (rest.length > 0) held.push(rest);
  }
  if (heldBytes > 0) yield { number, bytes: joined(held, new Uint8Array(0)), endsAt: endsAt + heldBytes };
}

function joined(held: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  return held.length === 0 ? last : Buffer.concat([...held, last]);
}

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

/**
 * Splits at "\n", and gives the lines of a chunk together. A line may be cut from many chunks, but is never longer than
 * `lineBytesMax`: memory stays bounded.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<readonly Line[]> {
  const splitter = new Splitter(lineBytesMax);
  for await (const chunk of chunks) yield splitter.split(chunk);
  yield splitter.end();
}

class Splitter {
  readonly #lineBytesMax: number;
  #number = 0;
  #endsAt = 0;
  /** The beginning of a line whose end has not come yet. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  split(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineBreak); end !== -1; end = chunk.indexOf(lineBreak, start)) {
      this.#hold(chunk.subarray(start, end));
      lines.push(this.#line(1));
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
    return lines;
  }

  /** The last line need not end with a line break. */
  end(): Line[] {
    return this.#heldBytes === 0 ? [] : [this.#line(0)];
  }

  #hold(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#lineBytesMax) {
      const what = `line ${this.#number + 1} is longer than ${this.#lineBytesMax} bytes: no message can be that large`;
      throw new CommandError("INPUT_INVALID", what);
    }
    this.#held.push(part);
  }

  #line(breakBytes: number): Line {
    const [first = new Uint8Array(0)] = this.#held;
    const bytes = this.#held.length > 1 ? Buffer.concat(this.#held) : first;
    this.#held = [];
    this.#heldBytes = 0;
    this.#number += 1;
    this.#endsAt += bytes.length + breakBytes;
    return { number: this.#number, bytes, endsAt: this.#endsAt };
  }
}

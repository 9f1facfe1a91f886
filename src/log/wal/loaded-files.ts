import { type Disk, readFully } from "../../disk/disk.js";
import { walDirectory } from "./files.js";

interface Loaded {
  readonly name: string | undefined;
  readonly memory: Buffer;
  readonly bytes: Buffer;
}

const nothing: Loaded = { name: undefined, memory: Buffer.alloc(0), bytes: Buffer.alloc(0) };

/** Whole files of the write-ahead log in memory, at most two: the one that is walked, and the last other one looked at. */
export class LoadedFiles {
  readonly #disk: Disk;
  #walked = nothing;
  #other = nothing;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** The bytes are left alone until another file is walked: parts of them are in use while others are looked at. */
  walk(name: string): Buffer {
    if (this.#walked.name !== name) {
      this.lookAt(name);
      [this.#walked, this.#other] = [this.#other, this.#walked];
    }
    return this.#walked.bytes;
  }

  /** The bytes are overwritten when another file is looked at. */
  lookAt(name: string): Buffer {
    const known = [this.#walked, this.#other].find((each) => each.name === name);
    if (known !== undefined) return known.bytes;
    const file = this.#disk.open(`${walDirectory}/${name}`, "read");
    try {
      const size = file.size();
      const { memory: before } = this.#other;
      const memory = before.length >= size ? before : Buffer.allocUnsafeSlow(size);
      const bytes = memory.subarray(0, readFully(file, memory.subarray(0, size), 0));
      this.#other = { name, memory, bytes };
      return bytes;
    } finally {
      file.close();
    }
  }
}

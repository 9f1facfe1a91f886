import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { Output } from "../../src/cli/output.js";
import { commandLine } from "./command-line.js";

/** Takes nothing until it is told to. */
class Slow extends Writable {
  readonly taken: string[] = [];
  #waiting: (() => void)[] = [];

  constructor() {
    super({ highWaterMark: 10 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#waiting.push(() => {
      this.taken.push(chunk.toString());
      done();
    });
  }

  take(): void {
    this.#waiting.shift()?.();
  }
}

test("a write waits for a slow reader instead of gathering what was not read", async () => {
  const slow = new Slow();
  const output = new Output(slow);
  let written = false;
  const writing = output.write("more than ten bytes").then(() => (written = true));
  await Promise.resolve();
  expect(written).toBe(false);
  slow.take();
  await writing;
  expect(slow.taken).toEqual(["more than ten bytes"]);
});

test("the end waits until everything has been handed on", async () => {
  const slow = new Slow();
  const output = new Output(slow);
  await output.write("short");
  const ending = output.end();
  slow.take();
  await new Promise((resolve) => setImmediate(resolve));
  slow.take();
  await ending;
  expect(slow.taken.join("")).toBe("short");
});

test("a reader that went away ends the work without an error", async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
  });
  const output = new Output(stream);
  await output.write("one");
  await new Promise((resolve) => setImmediate(resolve));
  expect(output.gone.aborted).toBe(true);
  await output.write("two");
  await output.end();
});

test("a disk that is full behind stdout is an error", async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("write ENOSPC"), { code: "ENOSPC" })),
  });
  const output = new Output(stream);
  await output.write("one");
  await new Promise((resolve) => setImmediate(resolve));
  await expect(output.end()).rejects.toThrow("the output is not whole, it could not be written: write ENOSPC");
});

test("a verb whose output was lost has failed", async () => {
  const stdout = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("write ENOSPC"), { code: "ENOSPC" })),
  });
  expect(await commandLine(["--help"], { stdout })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^millrace: OUTPUT_FAILED: .*write ENOSPC\n$/) as string,
  });
});

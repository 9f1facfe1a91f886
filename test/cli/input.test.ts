import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputFile, linesOf } from "../../src/cli/input.js";

async function lines(chunks: readonly Uint8Array[], lineBytesMax = 1_000): Promise<string[]> {
  const found: string[] = [];
  for await (const some of linesOf(chunks, lineBytesMax))
    found.push(...some.map((line) => Buffer.from(line.bytes).toString("latin1")));
  return found;
}

test("lines are the same however the input is cut into chunks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("a", "é", "\n", "\r"), { maxLength: 40 }),
      fc.array(fc.nat(20), { maxLength: 10 }),
      async (letters, cuts) => {
        const input = Buffer.from(letters.join(""));
        const chunks: Uint8Array[] = [];
        let start = 0;
        for (const cut of cuts) {
          chunks.push(input.subarray(start, start + cut));
          start = Math.min(start + cut, input.length);
        }
        chunks.push(input.subarray(start));
        const expected = input.toString("latin1").split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(await lines(chunks)).toEqual(expected);
      },
    ),
  );
});

test("each line knows its number and where it ends, which is what progress is measured by", async () => {
  const found = [];
  for await (const some of linesOf([Buffer.from("one\n\nthr"), Buffer.from("ee")], 100)) {
    found.push(...some.map(({ number, endsAt }) => [number, endsAt]));
  }
  expect(found).toEqual([
    [1, 4],
    [2, 5],
    [3, 10],
  ]);
});

test("a line without an end is refused before it fills the memory", async () => {
  const endless = function* (): Generator<Uint8Array> {
    for (;;) yield new Uint8Array(100).fill(120);
  };
  await expect(async () => {
    for await (const some of linesOf(endless(), 1_000)) expect(some).toEqual([]);
  }).rejects.toThrow("line 1 is longer than 1000 bytes");
});

test("a file is read a chunk at a time, to its last byte", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-input-"));
  try {
    const text = `${"x".repeat(300_000)}\n${"y".repeat(300_000)}`;
    writeFileSync(join(folder, "lines"), text);
    const file = InputFile.open(join(folder, "lines"));
    expect(file.bytes).toBe(text.length);
    const found = await lines([...file.chunks()], 1_000_000);
    file.close();
    expect(found.map((line) => line.length)).toEqual([300_000, 300_000]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

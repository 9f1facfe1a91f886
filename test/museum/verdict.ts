import type { SerializedError } from "vitest";
import type { TestCase, TestSpecification } from "vitest/node";
import type { Piece } from "./piece.js";
import type { Planting } from "./planting.js";

export interface Verdict {
  readonly piece: Piece;
  /** "wrong": it could not be planted, or its test could not be run, or failed for another reason than the piece says. */
  readonly outcome: "caught" | "survived" | "wrong";
  readonly what: string;
}

/** A piece that was not planted well rather than caught. */
const blunders: ReadonlySet<string> = new Set(["SyntaxError", "ReferenceError", "TypeError"]);

/** What came of the piece's test without and with it. */
export interface Runs {
  readonly clean: TestSpecification | undefined;
  readonly planted: TestSpecification | undefined;
}

export function judge({ piece, hasFile, met }: Planting, { clean, planted }: Runs): Verdict {
  const wrong = (what: string): Verdict => ({ piece, outcome: "wrong", what });
  if (!hasFile) return wrong(`there is no file ${piece.file} (any more)`);
  const before = testsOf(clean, piece);
  if (before.length === 0) return wrong(`there is no such test: ${brokenModule(clean)}`);
  const red = before.find((test) => !test.ok());
  if (red !== undefined) return wrong(`its test fails without it: ${failureOf(red)}`);
  const tests = testsOf(planted, piece);
  if (tests.length === 0) return wrong(`with it nothing runs: ${brokenModule(planted)}`);
  if (!met) return wrong(`its test never loads ${piece.file}`);
  const failed = tests.find((test) => !test.ok());
  if (failed === undefined) return { piece, outcome: "survived", what: "its test passes with the bug in place" };
  const error = failed.result().errors?.[0];
  const what = failureOf(failed);
  if (blunders.has(error?.name ?? "")) return wrong(`it breaks the code instead of changing what it does: ${what}`);
  if (!what.includes(piece.says)) return wrong(`it is caught for another reason: ${what}`);
  return { piece, outcome: "caught", what };
}

/** Those that the piece names and that were run. */
function testsOf(specification: TestSpecification | undefined, { caughtBy }: Piece): TestCase[] {
  const all = [...(specification?.testModule?.children.allTests() ?? [])];
  return all.filter((test) => test.result().state !== "skipped" && fullName(test).includes(caughtBy.test));
}

function fullName(test: TestCase): string {
  return test.fullName.replaceAll(" > ", " ");
}

function failureOf(test: TestCase): string {
  return (test.result().errors ?? []).map(inWords).join("; ");
}

/** With what caused it: a property that does not hold says in its cause what was expected. */
function inWords(error: SerializedError): string {
  const cause = error.cause;
  return cause === undefined ? error.message : `${error.message}\n${inWords(cause)}`;
}

function brokenModule(specification: TestSpecification | undefined): string {
  return (specification?.testModule?.errors() ?? []).map(({ message }) => message).join("; ");
}

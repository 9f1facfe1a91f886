// Adds up the results of the runs (vitest's JSON reports) and prints them as one line.
// Fails when nothing passed, when anything failed, and when a test was skipped or is still to be written.
import { existsSync, readFileSync } from "node:fs";

const total = { passed: 0, failed: 0, skipped: 0 };
for (const path of process.argv.slice(2).filter((each) => existsSync(each))) {
  const report = JSON.parse(readFileSync(path, "utf8"));
  total.passed += report.numPassedTests;
  // A file that cannot be loaded fails without a test of its own.
  const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  total.failed += report.numFailedTests + broken.length;
  total.skipped += report.numPendingTests + report.numTodoTests;
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ file: file.name, ...test })),
  );
  for (const { status, file, fullName } of [...broken.map((file) => ({ ...file, file: file.name })), ...tests]) {
    if (status !== "passed") process.stdout.write(`${status}: ${file}${fullName ? ` > ${fullName}` : ""}\n`);
  }
}
const skips = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
process.stdout.write(`${total.passed} passed, ${total.failed} failed${skips}\n`);
if (total.passed === 0 || total.failed > 0 || total.skipped > 0) process.exitCode = 1;

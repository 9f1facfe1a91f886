// Adds up the results of the runs (vitest's JSON reports) and prints them as one line.
// Fails when nothing passed, when anything failed, and when a test was skipped or is still to be written.
import { existsSync, readFileSync } from "node:fs";

const reports = process.argv.slice(2).filter((path) => existsSync(path));
const total = { passed: 0, failed: 0, skipped: 0 };
for (const path of reports) {
  const report = JSON.parse(readFileSync(path, "utf8"));
  total.passed += report.numPassedTests;
  // A file that cannot be loaded fails without a test of its own.
  const filesThatFailed = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  total.failed += report.numFailedTests + filesThatFailed.length;
  total.skipped += report.numPendingTests + report.numTodoTests;
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status !== "passed") console.log(`${test.status}: ${file.name} > ${test.fullName}`);
    }
  }
}
const skips = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skips}`);
if (total.passed === 0 || total.failed > 0 || total.skipped > 0) process.exitCode = 1;

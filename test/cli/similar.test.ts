import { expect, test } from "vitest";
import { similar, suggestion } from "../../src/cli/similar.js";

const names = ["emails", "emails.dead", "webhooks", "alerts"];

test.each([
  ["emials", ["emails"]],
  ["email", ["emails"]],
  ["webhook", ["webhooks"]],
  ["allerts", ["alerts"]],
  ["orders", []],
  ["", []],
])("%j may have meant %j", (typed, meant) => {
  expect(similar(typed, names)).toEqual(meant);
});

test("a suggestion is a question, or nothing", () => {
  expect(suggestion("emials", names)).toBe(" Did you mean emails?");
  expect(suggestion("xyz", names)).toBe("");
});

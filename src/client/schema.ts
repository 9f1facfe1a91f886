import type { StandardSchemaV1 } from "@standard-schema/spec";
import { MillraceError } from "../base/errors.js";

/** Any schema of a library that speaks Standard Schema: zod, valibot, arktype and others. */
export type Schema<T> = StandardSchemaV1<unknown, T>;

/**
 * The value as the schema returns it: with its defaults filled in and, where the schema says so, without unknown keys.
 * A promise only when the schema checks asynchronously.
 * @throws MillraceError PAYLOAD_INVALID that names each fault and where it is.
 */
export function checkedBy<T>(schema: Schema<T>, value: unknown): T | Promise<T> {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then(unwrap) : unwrap(result);
}

function unwrap<T>(result: StandardSchemaV1.Result<T>): T {
  if (result.issues === undefined) return result.value;
  throw new MillraceError(
    "PAYLOAD_INVALID",
    `the value does not fulfil the schema: ${result.issues.slice(0, 5).map(issueText).join("; ")}`,
  );
}

function issueText(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { MillraceError } from "../base/errors.js";

/** Any schema of a library that speaks Standard Schema: zod, valibot, arktype and others. It must accept what it returns. */
export type Schema<T> = StandardSchemaV1<unknown, T>;

/** The channel a value is meant for, to be named in messages; undefined where the reader knows it. */
type Of = { readonly kind: string; readonly name: string } | undefined;

/**
 * The value as the schema returns it: with its defaults filled in and, where the schema says so, without unknown keys.
 * A promise only when the schema checks asynchronously.
 * @throws MillraceError PAYLOAD_INVALID that names each fault and where it is.
 */
export function checkedBy<T>(schema: Schema<T>, value: unknown, of?: Of): T | Promise<T> {
  let result: StandardSchemaV1.Result<T> | Promise<StandardSchemaV1.Result<T>>;
  try {
    result = schema["~standard"].validate(value);
  } catch (cause) {
    throw broken(cause, of);
  }
  if (!(result instanceof Promise)) return unwrap(result, of);
  return result.then(
    (checked) => unwrap(checked, of),
    (cause: unknown) => {
      throw broken(cause, of);
    },
  );
}

const issuesShown = 5;

function unwrap<T>(result: StandardSchemaV1.Result<T>, of: Of): T {
  if (result.issues === undefined) return result.value;
  const more = result.issues.length > issuesShown ? "; and more" : "";
  const faults = result.issues.slice(0, issuesShown).map(issueText).join("; ") + more;
  throw new MillraceError("PAYLOAD_INVALID", `${prefix(of)}the value does not fulfil the schema: ${faults}`);
}

function issueText(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}

function broken(cause: unknown, of: Of): MillraceError {
  const message = `${prefix(of)}the schema threw an error while it checked the value: ${String(cause)}`;
  return new MillraceError("PAYLOAD_INVALID", message, { cause });
}

function prefix(of: Of): string {
  return of === undefined ? "" : `${of.kind} "${of.name}": `;
}

import { MillraceError } from "../base/errors.js";
import { type CommandCode, type ExitCode, commandCodes, errorExitCodes } from "./exit-code.js";

/** Something the command line itself has to refuse. The message says what happened and what to do, on one line. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: CommandCode;

  constructor(code: CommandCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An error as the command line shows it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly exitCode: ExitCode;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof MillraceError) {
    const { code, message, retryable } = error;
    return { code, message: oneLine(message), retryable, exitCode: errorExitCodes[code] };
  }
  const code = commandCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return { code, message: oneLine(message), retryable: false, exitCode: commandCodes[code] };
}

function commandCodeOf(error: unknown): CommandCode {
  if (error instanceof CommandError) return error.code;
  // The library throws these for wrong arguments, and all arguments come from the command line.
  if (isArgumentError(error)) return "USAGE";
  return "UNEXPECTED";
}

/** Node's own TypeErrors carry a `code`, and those of the language come from a defect: "x is not a function". */
function isArgumentError(error: unknown): boolean {
  return (
    error instanceof TypeError &&
    !("code" in error) &&
    !/ is not (?:a function|iterable)|^Cannot (?:read|set) /.test(error.message)
  );
}

/** `millrace: CODE: message`, or the same as an object. */
export function formatFailure(failure: Failure, json: boolean): string {
  return json ? JSON.stringify({ error: failure }) : `millrace: ${failure.code}: ${failure.message}`;
}

export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*[\r\n]+\s*/g, " ");
}

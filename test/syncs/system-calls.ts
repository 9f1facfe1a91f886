/** What a process asked of the system, in order, out of the file that `strace -f -y -o` writes. */
export interface SystemCall {
  readonly name: string;
  /** Of the file it was for; empty when it had none. */
  readonly path: string;
  /** All arguments, as strace prints them. */
  readonly text: string;
  /** Places in the order of events: when the process made the call, and when the system answered. */
  readonly began: number;
  readonly ended: number;
  readonly result: string;
}

const unfinished = /^(\d+)\s+(\w+)\((.*?)\s*<unfinished \.\.\.>$/;
const resumed = /^(\d+)\s+<\.\.\. (\w+) resumed>(.*)\)\s+=\s+(.*)$/;
const whole = /^(\d+)\s+(\w+)\((.*)\)\s+=\s+(.*)$/;

interface Begun {
  readonly name: string;
  readonly text: string;
  readonly began: number;
}

export function parseSystemCalls(log: string): SystemCall[] {
  const begunBy = new Map<string, Begun>();
  const calls: SystemCall[] = [];
  for (const [at, line] of log.split("\n").entries()) {
    const [, thread = "", name = "", text = ""] = unfinished.exec(line) ?? [];
    if (name !== "") begunBy.set(thread, { name, text, began: at });
    else calls.push(...ended(line, at, begunBy));
  }
  return calls;
}

/** The call that ends with this line; none when none does. */
function ended(line: string, at: number, begunBy: ReadonlyMap<string, Begun>): SystemCall[] {
  const [, thread = "", , rest = "", late = ""] = resumed.exec(line) ?? [];
  const begun = begunBy.get(thread);
  if (begun !== undefined)
    return [{ ...begun, path: pathOf(begun.text), text: begun.text + rest, ended: at, result: late }];
  const [, , name, text = "", result = ""] = whole.exec(line) ?? [];
  return name === undefined ? [] : [{ name, path: pathOf(text), text, began: at, ended: at, result }];
}

function pathOf(text: string): string {
  return /^\d+<([^>]*)>/.exec(text)?.[1] ?? "";
}

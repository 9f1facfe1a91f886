/** A figure about memory: a process is measured empty, and again with so many messages of a kind. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Figure, Line, Result, Setting } from "./figure.js";
import type { Kind, MemoryReport } from "./memory-process.js";

export interface MemoryOptions {
  readonly name: string;
  readonly kind: Kind;
  /** Such as "10 M delayed messages". */
  readonly what: string;
  /** Of the messages of the backlog. */
  readonly share: number;
}

const target = { of: "value", direction: "at most", bound: 100, aim: 50 } as const;

export function memoryFigure({ name, kind, what, share }: MemoryOptions): Figure {
  const more: Line = { name, title: `${what}: memory more than empty`, unit: "MB", target };
  const opened: Line = { name: `${name}-open`, title: `${what}: opened again`, unit: "s" };
  return {
    name,
    lines: [more, opened],
    run: async (setting) => {
      const messages = Math.ceil((setting.backlog * share) / 4_000) * 4_000;
      const { emptyMb, fullMb, openSeconds, reopenedMb } = await report(kind, messages, setting);
      const most = Math.max(fullMb, reopenedMb);
      const empty = { yardstick: emptyMb, yardstickName: "empty" } as const;
      const results: Result[] = [{ ...more, ...empty, value: most - emptyMb, ratio: most / emptyMb }];
      return [...results, { ...opened, ...empty, value: openSeconds, ratio: openSeconds }];
    },
  };
}

async function report(kind: Kind, messages: number, setting: Setting): Promise<MemoryReport> {
  setting.progress(`sending ${messages} messages`);
  const program = fileURLToPath(new URL("memory-process.js", import.meta.url));
  const child = fork(program, [kind, setting.directory, `${messages}`], { execArgv: ["--expose-gc"] });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the process ended early, exit code ${String(code)}`);
  });
  const [told] = (await Promise.race([once(child, "message"), ended])) as [MemoryReport];
  await ended.catch(() => undefined);
  return told;
}

import type { Command } from "commander";
import type { DeadLetter } from "../../../index.js";
import type { Call } from "../../call.js";
import { printable, withoutControls } from "../../payload.js";
import type { Verb } from "../../verb.js";
import { type LettersOptions, declareChannel, lettersOf, viewLetter } from "./letters.js";

export const show: Verb<LettersOptions> = {
  declare(command: Command): void {
    declareChannel(command).argument("<id>", "which, as millrace dead list shows it");
  },

  run(call: Call, options: LettersOptions): Promise<void> {
    return call.with(async (mill) => {
      const letter = await (await lettersOf(mill, call.channel, options)).show(call.operands[1] ?? "");
      if (call.json) return call.object(viewLetter(letter));
      for (const [name, value] of factsOf(letter)) await call.out.line(`${name.padEnd(13)}  ${withoutControls(value)}`);
      for (const [name, value] of Object.entries(letter.message.headers))
        await call.out.line(`header         ${withoutControls(`${name}: ${value}`)}`);
      for (const line of letter.error.stack?.split("\n") ?? [])
        await call.out.line(`stack          ${withoutControls(line)}`);
      return call.out.line(`payload        ${printable(letter.message.value)}`);
    });
  },
};

function factsOf(letter: DeadLetter<Uint8Array>): [string, string][] {
  const { origin, message, error } = letter;
  return [
    ["id", letter.id],
    ["reason", letter.reason],
    ["fingerprint", letter.fingerprint],
    ["error", `${error.name}: ${error.message}`],
    ["attempts", String(letter.attempts)],
    ["redriven", String(letter.redriven)],
    ["first failed", letter.firstFailedAt.toISOString()],
    ["last failed", letter.lastFailedAt.toISOString()],
    ["sent", message.sentAt.toISOString()],
    ["came from", `${origin.channel}${origin.group === "" ? "" : `, group ${origin.group}`}, ${origin.id}`],
    ["key", message.key ?? "(none)"],
  ];
}

/** `npm run museum`: a line for each piece. `npm run museum -- <name> …` shows these only; `--pieces FOLDER` those of another folder. */
import { parseArgs } from "node:util";
import { exhibit } from "./exhibit.js";
import { readPieces } from "./piece.js";
import type { Verdict } from "./verdict.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pieces: { type: "string", default: "test/museum/pieces" } },
});

function inWords({ piece, outcome, what }: Verdict): string {
  if (outcome === "caught") return `${piece.name}: caught by ${piece.caughtBy.file} (${piece.caughtBy.test})`;
  return `${piece.name}: ${outcome === "survived" ? "SURVIVED" : "WRONG"}, ${what.replaceAll(/\s*\n\s*/g, " ")}`;
}

const all = readPieces(values.pieces);
const pieces = positionals.length === 0 ? all : all.filter(({ name }) => positionals.includes(name));
const verdicts = await exhibit(process.cwd(), pieces);
for (const verdict of verdicts) console.log(inWords(verdict));
const caught = verdicts.filter(({ outcome }) => outcome === "caught").length;
console.log(`${caught} of ${pieces.length} pieces are caught`);
process.exitCode = pieces.length > 0 && caught === pieces.length ? 0 : 1;

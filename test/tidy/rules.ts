/**
 * The rules of the house as functions from sources to complaints; an empty list means all is well. What they are held
 * against (layers, limits, exceptions) is data in `tidy.test.ts`; that each of them can fail is shown in `rules.test.ts`.
 */
import { posix } from "node:path";
import { blank, importsOf } from "./scan.js";

export interface Source {
  /** From the root of the repository, with "/" between names. */
  readonly path: string;
  readonly text: string;
}

/** A folder or file of the architecture, and what it may import besides itself. */
export interface Layer {
  readonly at: string;
  readonly imports: readonly string[];
  /** Its sub-folders may not import each other. */
  readonly apart?: boolean;
}

/** What is allowed in one place although a rule forbids it. One that is not needed is a complaint too. */
export interface Exception {
  readonly at: string;
  readonly what: string;
  readonly because: string;
}

/** What `path` imports of ours, as paths in the repository. */
function ownImports(source: Source): { target: string; lazy: boolean }[] {
  return importsOf(source.text)
    .filter((each) => each.specifier.startsWith("."))
    .map(({ specifier, lazy }) => ({
      target: posix.join(posix.dirname(source.path), specifier).replace(/\.js$/, ".ts"),
      lazy,
    }));
}

function layerOf(path: string, layers: readonly Layer[]): Layer | undefined {
  const matching = layers.filter((layer) => path === layer.at || (layer.at.endsWith("/") && path.startsWith(layer.at)));
  return matching.sort((one, other) => other.at.length - one.at.length)[0];
}

/** Each file imports only from its own layer and from those the layer names. */
export function wrongDirections(
  sources: readonly Source[],
  layers: readonly Layer[],
  exceptions: readonly Exception[],
): string[] {
  const complaints: string[] = [];
  const used = new Set<Exception>();
  for (const source of sources) {
    const layer = layerOf(source.path, layers);
    if (layer === undefined) {
      complaints.push(`${source.path} belongs to no layer`);
      continue;
    }
    for (const { target, lazy } of ownImports(source)) {
      if (mayImport(source.path, target, layers)) continue;
      const exception = exceptions.find((each) => lazy && each.at === source.path && target.startsWith(each.what));
      if (exception === undefined) complaints.push(`${source.path} must not import ${target}`);
      else used.add(exception);
    }
  }
  return [...complaints, ...unused(exceptions, used)];
}

function mayImport(path: string, target: string, layers: readonly Layer[]): boolean {
  const from = layerOf(path, layers);
  const to = layerOf(target, layers);
  if (from === undefined || to === undefined) return false;
  if (from !== to) return from.imports.includes(to.at);
  return from.apart !== true || folderWithin(path, from) === folderWithin(target, from);
}

function folderWithin(path: string, layer: Layer): string | undefined {
  return path.slice(layer.at.length).split("/")[0];
}

function unused(exceptions: readonly Exception[], used: ReadonlySet<Exception>): string[] {
  return exceptions
    .filter((each) => !used.has(each))
    .map((each) => `the exception for ${each.what} in ${each.at} is not needed any more`);
}

/** Names that only certain files may use. `banned` maps the name to a pattern over code without text and comments. */
export function bannedUses(
  sources: readonly Source[],
  banned: Readonly<Record<string, RegExp>>,
  exceptions: readonly Exception[],
): string[] {
  const complaints: string[] = [];
  const used = new Set<Exception>();
  for (const source of sources) {
    const code = blank(source.text);
    const modules = importsOf(source.text).map((each) => each.specifier);
    for (const [name, pattern] of Object.entries(banned)) {
      if (!pattern.test(code) && !modules.some((module) => pattern.test(module))) continue;
      const exception = exceptions.find((each) => source.path.startsWith(each.at) && each.what === name);
      if (exception === undefined) complaints.push(`${source.path} uses ${name}`);
      else used.add(exception);
    }
  }
  return [...complaints, ...unused(exceptions, used)];
}

/** Files with more lines than allowed. */
export function tooLong(sources: readonly Source[], linesMax: number): string[] {
  return sources
    .map((source) => ({ path: source.path, lines: source.text.trimEnd().split("\n").length }))
    .filter((each) => each.lines > linesMax)
    .map((each) => `${each.path} has ${each.lines} lines, more than ${linesMax}`);
}

/** Files and folders named after no responsibility. */
export function emptyNames(paths: readonly string[], names: readonly string[]): string[] {
  return paths
    .filter((path) => path.split("/").some((part) => names.includes(part.split(".")[0] ?? "")))
    .map((path) => `${path} is named after no responsibility`);
}

/** Words that must not stand in the code as names or parts of names: a camelCase name is taken apart. */
export function foreignWords(sources: readonly Source[], words: Readonly<Record<string, string>>): string[] {
  const complaints = sources.flatMap(({ path, text }) =>
    [...blank(text).matchAll(/[A-Za-z_$][\w$]*/g)].flatMap(([name]) =>
      wordsOf(name)
        .filter((word) => Object.hasOwn(words, word))
        .map((word) => `${path} says ${name}: our word is ${words[word]}`),
    ),
  );
  return [...new Set(complaints)];
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[ _$]+/);
}

/** Source files that no entry point reaches. */
export function deadFiles(sources: readonly Source[], entries: readonly string[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = byPath.get(path);
    if (source === undefined || reached.has(path)) continue;
    reached.add(path);
    waiting.push(...ownImports(source).map((each) => each.target));
  }
  return [
    ...entries.filter((entry) => !byPath.has(entry)).map((entry) => `${entry} is an entry point that does not exist`),
    ...sources.filter((each) => !reached.has(each.path)).map((each) => `${each.path} is reached from no entry point`),
  ];
}

/** Patterns that must stand in no text, comments included. */
export function bannedText(sources: readonly Source[], banned: Readonly<Record<string, RegExp>>): string[] {
  return sources.flatMap((source) =>
    source.text.split("\n").flatMap((line, index) =>
      Object.entries(banned)
        .filter(([, pattern]) => pattern.test(line))
        .map(([name]) => `${source.path}:${index + 1} ${name}`),
    ),
  );
}

/** Relative links in Markdown, and whether there is something at their other end. */
import { posix } from "node:path";
import type { Source } from "./rules.js";

/** Links to files that do not exist, and to headings that their file does not have. */
export function brokenLinks(pages: readonly Source[], exists: (path: string) => boolean): string[] {
  const headings = new Map(pages.map((page) => [page.path, headingsOf(page.text)]));
  const complaints: string[] = [];
  for (const page of pages) {
    for (const link of linksOf(page.text)) {
      const [file = "", heading] = link.split("#");
      const target = file === "" ? page.path : posix.join(posix.dirname(page.path), decodeURI(file));
      if (!exists(target)) complaints.push(`${page.path} links to ${link}, which does not exist`);
      else if (heading !== undefined && headings.get(target)?.has(heading) === false)
        complaints.push(`${page.path} links to ${link}, which has no such heading`);
    }
  }
  return complaints;
}

/** Pages that nobody finds: no other page links to them. */
export function orphans(pages: readonly Source[], entry: string): string[] {
  const linked = new Set(
    pages.flatMap((page) =>
      linksOf(page.text)
        .map((link) => posix.join(posix.dirname(page.path), decodeURI(link.split("#")[0] ?? "")))
        .filter((target) => target !== page.path),
    ),
  );
  return pages.map((page) => page.path).filter((path) => path !== entry && !linked.has(path));
}

/** Without what lies elsewhere, and without the inside of code. */
function linksOf(text: string): string[] {
  const links = [...withoutCode(text).matchAll(/\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)/gm)];
  return links.map((match) => match[1] ?? match[2] ?? "").filter((link) => !/^[a-z][a-z0-9+.-]*:/i.test(link));
}

function withoutCode(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").replace(/`[^`\n]*`/g, "``");
}

/** As a reader's page makes them: lower case, spaces to hyphens, no punctuation; a second one of a name gets "-1". */
function headingsOf(text: string): Set<string> {
  const found = new Set<string>();
  for (const [, title = ""] of text.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    let unique = slug;
    for (let copy = 1; found.has(unique); copy += 1) unique = `${slug}-${copy}`;
    found.add(unique);
  }
  return found;
}

import { expect, test } from "vitest";
import { blank, importsOf } from "./scan.js";

test("comments, strings, templates and regular expressions are blanked, and every position is kept", () => {
  const source = "a(); // Date.now\n/* setTimeout\n */ b(\"Date.now\", 'x\\'y'); c = /Date[/]now/.test(`Date.now`);";
  const code = blank(source);
  expect(code).toHaveLength(source.length);
  expect(code.split("\n")).toHaveLength(source.split("\n").length);
  expect(code).not.toMatch(/Date|now|setTimeout/);
  expect(code.replace(/ +/g, " ")).toBe("a(); \n \n b(\" \", ' '); c = / /.test(` `);");
});

test("code inside a template is code", () => {
  expect(blank("`now ${f({ a: `in ${Date.now()}` })} later` + rest")).toBe(
    "`    ${f({ a: `   ${Date.now()}` })}      ` + rest",
  );
});

test("a slash that divides begins nothing", () => {
  expect(blank("a = b / c; // d\nx = (1) / 2 / y;")).toBe("a = b / c;     \nx = (1) / 2 / y;");
});

test("every way to name a module is found, and text that looks like one is not", () => {
  const source = [
    'import { a } from "./a.js";',
    'import type { B } from "./b.js";',
    "import './c.js';",
    'export { d } from "./d.js";',
    'import {\n  e,\n  f,\n} from "./e.js";',
    'const lazy = await import("./g.js");',
    'new Worker(new URL("./h.js", import.meta.url));',
    '// import { no } from "./comment.js";',
    "const text = 'import { no } from \"./text.js\"';",
    'const list = Array.from("abc");',
  ].join("\n");
  const found = importsOf(source);
  expect(
    found
      .filter((each) => !each.lazy)
      .map((each) => each.specifier)
      .sort(),
  ).toEqual(["./a.js", "./b.js", "./c.js", "./d.js", "./e.js"]);
  expect(found.filter((each) => each.lazy).map((each) => each.specifier)).toEqual(["./g.js", "./h.js"]);
});

/**
 * Plants each piece and lets its test look for it: one vitest for all of them, one project a piece, whose only difference
 * is that one module of `src/` is handed out changed. Nothing is copied, and no file is written.
 * The same tests run in one more project, where nothing is planted: there each must pass.
 */
import { join } from "node:path";
import type { TestProjectInlineConfiguration } from "vitest/config";
import { createVitest, type TestProject, type TestSpecification } from "vitest/node";
import type { Piece } from "./piece.js";
import { Planting } from "./planting.js";
import { judge, type Verdict } from "./verdict.js";

/** The project in which nothing is planted. */
const asItIs = "as it is";

/** At the same time. */
const workers = 2;

/** Verdicts in the order of `pieces`. `root` is the repository's. */
export async function exhibit(root: string, pieces: readonly Piece[]): Promise<Verdict[]> {
  const plantings = pieces.map((piece) => new Planting(root, piece));
  const projects = [
    projectOf(root, asItIs),
    ...plantings.map((planting) => projectOf(root, planting.piece.name, planting)),
  ];
  const options = { root, config: false as const, watch: false, maxWorkers: workers, reporters: [{}], projects };
  const vitest = await createVitest("test", options);
  try {
    const run = (project: string, file: string, tests: readonly string[]): TestSpecification => {
      const where = vitest.projects.find((each) => each.name === project) as TestProject;
      return where.createSpecification(join(root, file), {
        testNamePattern: new RegExp(tests.map(literally).join("|")),
      });
    };
    const clean = new Map<string, TestSpecification>();
    for (const [file, tests] of testsByFile(pieces)) clean.set(file, run(asItIs, file, tests));
    const planted = pieces.map(({ name, caughtBy }) => run(name, caughtBy.file, [caughtBy.test]));
    await vitest.runTestSpecifications([...clean.values(), ...planted]);
    return plantings.map((planting, index) =>
      judge(planting, { clean: clean.get(planting.piece.caughtBy.file), planted: planted[index] }),
    );
  } finally {
    await vitest.close();
  }
}

/** As in vitest.config.ts, but for the build that the whole suite begins with. */
function projectOf(root: string, name: string, planting?: Planting): TestProjectInlineConfiguration {
  return {
    root,
    plugins: planting === undefined ? [] : [planting.plugin],
    resolve: {
      alias: [
        { find: /^millrace$/, replacement: join(root, "src/index.ts") },
        { find: /^millrace\/testing$/, replacement: join(root, "src/testing/index.ts") },
      ],
    },
    oxc: { target: "es2022" },
    // Threads begin sooner than processes.
    test: { name, pool: "threads", include: ["test/**/*.ts"], testTimeout: 30_000, hookTimeout: 30_000 },
  };
}

function testsByFile(pieces: readonly Piece[]): Map<string, string[]> {
  const tests = new Map<string, string[]>();
  for (const { caughtBy } of pieces) tests.set(caughtBy.file, [...(tests.get(caughtBy.file) ?? []), caughtBy.test]);
  return tests;
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

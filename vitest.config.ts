import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What takes minutes begins first, so that nobody waits for it alone at the end. */
const longest = [
  "test/crash/explore.test.ts",
  "test/museum/museum.test.ts",
  "test/kill/kill.test.ts",
  "test/examples/",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((path) => moduleId.includes(path));
      return at < 0 ? longest.length : at;
    };
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  resolve: {
    alias: [
      { find: /^millrace$/, replacement: here("src/index.ts") },
      { find: /^millrace\/testing$/, replacement: here("src/testing/index.ts") },
    ],
  },
  // The oldest Node we support knows no `await using`: lower it, as the build does.
  oxc: { target: "es2022" },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build.ts"],
    setupFiles: ["test/seed.ts"],
    sequence: { sequencer: LongestFirst },
    // Crash exploration and kills are counted in states and runs, not in seconds: their tests set their own limit.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A promise nobody waits for must fail the run, not a later test.
    dangerouslyIgnoreUnhandledErrors: false,
    passWithNoTests: false,
    coverage: { provider: "v8", include: ["src/**/*.ts"], reporter: ["text-summary", "html"] },
  },
});

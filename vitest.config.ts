import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

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
    // Crash exploration and kills are counted in states and runs, not in seconds: their tests set their own limit.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A promise nobody waits for must fail the run, not a later test.
    dangerouslyIgnoreUnhandledErrors: false,
    passWithNoTests: false,
    coverage: { provider: "v8", include: ["src/**/*.ts"], reporter: ["text-summary", "html"] },
  },
});

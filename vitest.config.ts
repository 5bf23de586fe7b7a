import { configDefaults, defineConfig } from "vitest/config";
import "./scripts/build-worker.js"; // workers run the sources as they are now

/** The tests of every commit. Processes, not threads: a shared library is not loaded twice into one. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/**/*.long.test.ts", "test/peers/**"],
    testTimeout: 120_000,
    pool: "forks",
    maxWorkers: "100%",
    reporters: ["default"],
  },
});

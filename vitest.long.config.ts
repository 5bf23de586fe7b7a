import { defineConfig } from "vitest/config";
import "./scripts/build-worker.js"; // workers run the sources as they are now

/** The tests that take minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ["test/**/*.long.test.ts"],
    testTimeout: 300_000,
    pool: "forks",
    maxWorkers: "100%",
    reporters: ["default"],
  },
});

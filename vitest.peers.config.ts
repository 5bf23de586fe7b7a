import { defineConfig } from "vitest/config";

/** The tests against other runtimes, which have packages of their own in test/peers: `npm run test:peers`. */
export default defineConfig({
  test: {
    include: ["test/peers/**/*.test.ts"],
    testTimeout: 120_000,
    pool: "forks",
    maxWorkers: "100%",
    reporters: ["default"],
  },
});

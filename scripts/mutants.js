// Plants each mistake of test/mutants in a copy of the sources and demands that at least two tests notice it.
// Fails too when a patch no longer applies, or when nothing passes any more: code that only throws proves nothing, so that
// what counts is failed assertions.
// Meant to run after the tests themselves have passed. `node scripts/mutants.js swap-conj` tries one alone.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const integrators = (...names) =>
  names.map((name) => {
    const long = `test/integrators/${name}.long.test.ts`;
    return existsSync(join(root, long)) ? long : `test/integrators/${name}.test.ts`;
  });

/** For each patch the test files that are run, and which of their tests, by a regular expression on the full name. */
const mutants = {
  "drop-old-basis": {
    files: integrators("contract", "conservation"),
    tests: "'augmented BUG' (exactness|order|nothing happens|with full ranks|keeps norm)",
  },
  "skip-transport": {
    files: integrators("contract", "descent"),
    tests: "'fixed-rank BUG' (exactness|order|nothing happens|with full ranks|keeps it)",
  },
  "swap-conj": {
    files: [...integrators("contract", "conservation"), "test/ttn/environment.test.ts"],
    tests: "environment|'augmented BUG' (order|back in time|keeps norm)",
  },
  "swap-conj-predicted": { files: integrators("covariance"), tests: "three steps commute" },
  "backward-sign": {
    files: integrators("contract", "conservation"),
    tests: "'projector splitting, (Lie|Strang)' (exactness|order|back in time)|Strang splitting is symmetric",
  },
  "truncate-first": {
    files: integrators("contract", "product-growth", "rejection"),
    tests:
      "'augmented BUG' (order|nothing happens|ranks)|augmented BUG from rank 1|root holds the pair 'augmented BUG'",
  },
};

const patches = readdirSync(join(root, "test/mutants"))
  .filter((name) => name.endsWith(".patch"))
  .map((name) => name.replace(".patch", ""));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : [...new Set([...Object.keys(mutants), ...patches])];
const copy = mkdtempSync(join(tmpdir(), "dlra-mutants-"));
let faults = 0;

try {
  for (const name of ["test", "experiments", "package.json", "tsconfig.json"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  // the long tests belong to it as well
  writeFileSync(
    join(copy, "vitest.config.ts"),
    'export default { test: { include: ["test/**/*.test.ts"], testTimeout: 300_000, pool: "forks", maxWorkers: "100%" } };',
  );
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "dir");
  for (const name of wanted) {
    const start = performance.now();
    const { fault, failed, passed } = tried(name);
    if (fault) faults++;
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(
      `${name.padEnd(20)} ${failed.length} failed, ${passed} passed, ${seconds} s${fault ? `  ${fault}` : ""}`,
    );
    for (const test of failed.slice(0, 2)) console.log(`${"".padEnd(20)}   ${test}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
if (faults > 0) {
  console.error(`${faults} of ${wanted.length} mutants: see above`);
  process.exitCode = 1;
}

/** What the tests say of the sources with one mistake. */
function tried(name) {
  const nothing = { failed: [], passed: 0 };
  const mutant = mutants[name];
  if (!mutant) return { ...nothing, fault: "NO TESTS are named for it in scripts/mutants.js" };
  if (!patches.includes(name)) return { ...nothing, fault: `NO PATCH test/mutants/${name}.patch` };
  rmSync(join(copy, "src"), { recursive: true, force: true });
  cpSync(join(root, "src"), join(copy, "src"), { recursive: true });
  const patch = join(root, "test/mutants", `${name}.patch`);
  const applied = spawnSync("git", ["apply", "--whitespace=nowarn", patch], {
    cwd: copy,
    encoding: "utf8",
    env: { ...process.env, GIT_CEILING_DIRECTORIES: dirname(copy) },
  });
  if (applied.status !== 0) return { ...nothing, fault: `DOES NOT APPLY: ${applied.stderr.trim()}` };
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const options = ["--reporter=json", `--outputFile=${report}`, "--testTimeout=30000", "-t", mutant.tests];
  const run = spawnSync(process.execPath, [vitest, "run", ...mutant.files, ...options], {
    cwd: copy,
    encoding: "utf8",
    timeout: 150_000,
  });
  if (!existsSync(report)) return { ...nothing, fault: `DID NOT RUN: ${(run.stderr ?? "").trim().slice(-300)}` };
  const results = JSON.parse(readFileSync(report, "utf8")).testResults.flatMap((file) => file.assertionResults);
  // an exception is no verdict on a number: only failed assertions count
  const failed = results
    .filter(({ failureMessages }) => failureMessages.some((message) => message.startsWith("AssertionError")))
    .map(({ fullName }) => fullName);
  const passed = results.filter(({ status }) => status === "passed").length;
  const fault =
    failed.length < 2 ? "NOT CAUGHT by two tests" : passed === 0 ? "NOTHING PASSES: not a subtle mistake" : null;
  return { failed, passed, fault };
}

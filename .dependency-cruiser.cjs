/** The arrows of the architecture: a lower layer never imports a higher one. */
const only = (name, from, to) => ({
  name,
  severity: "error",
  from: { path: from },
  to: { path: "^(src|experiments|bench)/", pathNot: to },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    only("linalg-stands-alone", "^src/linalg/", "^src/linalg/"),
    only("ttn-on-linalg", "^src/ttn/", "^src/(linalg|ttn|text)/"),
    only("problems-on-ttn", "^src/problems/", "^src/(linalg|ttn|problems|text)/"),
    only("integrators-on-ttn", "^src/integrators/", "^src/(linalg|ttn|integrators|text)/"),
    only("executors-on-integrators", "^src/executors/", "^src/(linalg|ttn|integrators|executors)/"),
    only("gpu-on-executors", "^src/gpu/", "^src/(linalg|ttn|integrators|executors|gpu)/"),
    only("training-on-executors", "^src/training/", "^src/(linalg|ttn|integrators|executors|training|text)/"),
    only("text-stands-alone", "^src/text/", "^src/text/"),
    only("testing-on-executors", "^src/testing/", "^src/(linalg|ttn|integrators|executors|testing)/"),
    only("io-below-cli", "^src/io/", "^src/(linalg|ttn|problems|integrators|executors|gpu|io|text|version)"),
    only("index-is-the-library", "^src/index\\.ts$", "^src/(linalg|ttn|integrators|executors|version)"),
    only(
      "cli-on-top",
      "^src/cli/",
      "^(src/(io|cli|text|executors/mpi|linalg/index|linalg/current|version)|experiments/index)",
    ),
    only(
      "experiments-use-entry-points",
      "^experiments/",
      "^(experiments/|src/(index|io/index|problems/index|training/index|gpu/index)\\.ts)",
    ),
    only(
      "bench-uses-entry-points",
      "^bench/",
      "^(bench/|src/(index|linalg/index|problems/index|gpu/(index|heap|table)|training/index|linalg/backends/wasm)\\.ts)",
    ),
    {
      name: "native-only-in-backends",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(linalg/backends/|executors/mpi/library\\.ts$)" },
      to: { path: "node_modules/(koffi|ml-matrix)" },
    },
    {
      name: "core-has-no-dependencies",
      severity: "error",
      from: { path: "^src/(linalg|ttn|problems|integrators|training)/", pathNot: "^src/linalg/backends/" },
      to: { dependencyTypes: ["npm", "npm-optional", "core"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^dist/|kernels/)" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: [".ts", ".js"] },
  },
};

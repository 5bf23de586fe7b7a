import { augmentedBug, type Integrator, parallelBug } from "../../src/index.ts";

/** Every integrator, in every form: what the contract suite runs over. A new one is one line here. */
export const methods: readonly (readonly [string, Integrator])[] = [
  ["augmented BUG", augmentedBug()],
  ["parallel BUG", parallelBug()],
  ["parallel BUG, not started by another", parallelBug({ firstStep: "parallel" })],
  ["parallel BUG, Galerkin root, Euler coupling", parallelBug({ coupling: "euler", firstStep: "parallel" })],
  ["parallel BUG, assembled root, Euler coupling", parallelBug({ root: "assembled", firstStep: "parallel" })],
  [
    "parallel BUG, assembled root, evolved coupling",
    parallelBug({ root: "assembled", coupling: "evolved", firstStep: "parallel" }),
  ],
];

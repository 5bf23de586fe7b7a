import * as z from "zod";
import { experiment, treeOf } from "../src/io/index.ts";
import { parseSpinExpression } from "../src/problems/index.ts";
import { initialState, spinParameters } from "./ising.ts";
import { studySpins } from "./spin-study.ts";

/** Any chain of spins 1/2, its Hamiltonian written down. */
export const spins = experiment({
  name: "spins",
  summary: "any Hamiltonian of spins 1/2 from an expression, such as -sum(Z[i]*Z[i+1]) - g*sum(X[i])",
  parameters: z.object({
    ...spinParameters,
    hamiltonian: z
      .string()
      .default("-sum(Z[i]*Z[i+1]) - sum(X[i])")
      .describe("an expression such as -sum(Z[i]*Z[i+1]) - sum(X[i])"),
    parameters: z
      .record(z.string(), z.number())
      .default({})
      .describe('numbers used in the expression, such as {"g": 0.5}'),
  }),
  quick: { d: 8, T: 0.5, every: 2, exact: true },
  run(p, host) {
    const tree = treeOf(p.tree, p.d);
    return studySpins({
      name: "spins",
      tree,
      terms: parseSpinExpression(p.hamiltonian, p.d, { parameters: p.parameters }),
      initial: initialState(tree, p),
      settings: p,
      host,
    });
  },
});

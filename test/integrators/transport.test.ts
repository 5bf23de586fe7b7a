import { describe, expect, test } from "vitest";
import {
  automatic,
  balanced,
  dopri5,
  euler,
  exponential,
  type LinearPart,
  type LocalProblem,
  type LocalSolver,
  linearRhs,
  midpointRule,
  moduleRhs,
  type ProductTerm,
  productSum,
  type Rhs,
  rk4,
  seeded,
  sparse,
  sumRhs,
  type TTN,
} from "../../src/index.ts";
import { krylov } from "../../src/integrators/local/krylov.ts";
import { solverFrom } from "../../src/integrators/local/solvers.ts";
import { flopsOfSolve, problemData, problemOf } from "../../src/integrators/local/transport.ts";
import { randomTensor } from "../../src/linalg/index.ts";
import { kroneckerFlops } from "../../src/linalg/kronecker-flops.ts";
import { applyKroneckerSum } from "../../src/linalg/kronecker-plan.ts";
import { kroneckerSum } from "../../src/linalg/kronecker-sum.ts";
import { randomState } from "../../src/ttn/construct.ts";
import { fieldOf } from "../../src/ttn/field-data.ts";
import { centers } from "../../src/ttn/gauge.ts";
import { grow, growthOf, growthsOf } from "../../src/ttn/growth.ts";
import { loadRhs } from "../../src/ttn/module-rhs.ts";
import { productFlops } from "../linalg/flops.ts";

const tree = balanced(4);
const y = randomState(tree, [3, 4, 3, 4], 3, seeded(5), "complex128");
const random = seeded(1);
const letters = [3, 4, 3, 4].map((n) => [
  randomTensor(random, [n, n], "complex128"),
  sparse(
    [n, n],
    Array.from({ length: n }, (_, i) => [i, (i + 1) % n, i + 0.5] as const),
  ),
]);
const terms: ProductTerm[] = [0, 1, 2].flatMap((mode) => [
  { coefficient: 0.5, factors: [0, 1].map((k) => ({ mode: mode + k, operator: letters[mode + k]![k]! })) },
  { coefficient: { re: 0, im: 1 }, factors: [{ mode, operator: letters[mode]![0]! }] },
]);
const operator = productSum(tree, [3, 4, 3, 4], terms);
const drive: LinearPart = { operator, coefficient: (t) => Math.sin(3 * t) };

const problemAt = (rhs: Rhs, node: number): LocalProblem => {
  const trial = centers(y)[node]!;
  return {
    node,
    field: rhs.bind(trial, node),
    initial: trial.tensors[node]!,
    t0: 0.1,
    t1: 0.35,
    seeks: "state",
  };
};
const bits = ({ final }: { final: { data: Float64Array } }): string =>
  Buffer.from(final.data.buffer, final.data.byteOffset, final.data.byteLength).toString("base64");

describe("a local problem that travels as data", () => {
  const solvers: LocalSolver[] = [
    rk4({ substeps: 3 }),
    euler({ substeps: 2 }),
    midpointRule(),
    krylov(3),
    exponential({ tolerance: 1e-9 }),
    automatic(),
    dopri5(),
  ];
  test.each(solvers)("has the same solution, bit by bit, from a solver made of its specification: $name", (solver) => {
    const rhs = sumRhs(linearRhs([{ operator }, ...(solver.times ? [drive] : [])]), linearRhs([{ operator }]));
    for (const node of tree.nodes.keys()) {
      const problem = problemAt(rhs, node);
      const data = structuredClone(problemData(problem, solver));
      if (typeof data === "string") throw new Error(data);
      expect(bits(solverFrom(structuredClone(solver.spec!)).solve(problemOf(data)))).toBe(bits(solver.solve(problem)));
    }
  });

  test("of a module is bound again there", async () => {
    const url = new URL("./equation.ts", import.meta.url).href;
    const rhs = await moduleRhs({ url, name: "decay", arguments: [0.5] });
    const problem = problemAt(rhs, 2);
    const data = structuredClone(problemData(problem, dopri5()));
    if (typeof data === "string" || data.field.form !== "module") throw new Error("expected a module");
    const again = await loadRhs(data.field.module);
    expect(bits(dopri5().solve(problemOf(data, () => again)))).toBe(bits(dopri5().solve(problem)));
    expect(() => problemOf(data)).toThrow(`the module ${url} was not loaded here`);
  });

  test("of a module goes with how its bases have grown", async () => {
    const root = centers(y).at(-1)!;
    const fresh = randomTensor(random, [3, 3], "complex128");
    const trial = { ...root, tensors: root.tensors.with(0, grow(randomTensor(random, [3, 2], "complex128"), fresh)) };
    const node = tree.nodes.length - 1;
    const growths = growthsOf(trial.tensors);
    expect(growths).toHaveLength(1);
    const module = { url: "file:///none", name: "none", arguments: [] };
    const data = structuredClone({ form: "module", module, trial, node, growths } as const);
    const rhs = { bind: (bound: TTN) => ({ growth: growthOf(bound.tensors[0]!) }) };
    expect(fieldOf(data, () => rhs as never)).toEqual({ growth: growthOf(trial.tensors[0]!) });
  });

  test("has none where a closure is needed, and says why", async () => {
    const closure = problemAt((await import("./equation.ts")).decay(1), 0);
    expect(problemData(closure, rk4())).toMatch(/right-hand side is a function/);
    expect(problemData(problemAt(linearRhs([drive]), 0), dopri5())).toMatch(/Dormand-Prince.* chooses its own times/);
    expect(problemData(problemAt(linearRhs([{ operator }]), 0), { ...rk4(), spec: undefined } as never)).toMatch(
      /"RK4" is/,
    );
    expect(() => solverFrom({ name: "rk5", options: {} })).toThrow(/"rk5" is unknown; known: automatic, dopri5,/);
  });

  test("of a module is refused without an absolute address, a function or plain arguments", async () => {
    const url = new URL("./equation.ts", import.meta.url).href;
    await expect(moduleRhs({ url: "./equation.ts" })).rejects.toThrow(
      /url is ".\/equation.ts", expected an absolute one/,
    );
    await expect(moduleRhs({ url, name: "growth" })).rejects.toThrow(
      /exports no function "growth", but decay, nothing/,
    );
    await expect(moduleRhs({ url, name: "decay", arguments: [() => 1] })).rejects.toThrow(
      /argument 0 of decay cannot be/,
    );
  });
});

test("the estimate of its cost is what the products of dense matrices take", () => {
  const matrices = [2, 3, 4].map((n) => [0, 1].map(() => randomTensor(random, [n, n])));
  const sum = kroneckerSum(
    [2, 3, 4],
    [0, 1, 2, 3, 4, 5, 6, 7].map((k) => ({
      coefficient: 1,
      matrices: matrices.map((m, mode) => ((k >> mode) & 1 ? m[(k + mode) % 2]! : k % 3 ? m[0]! : null)),
    })),
    "float64",
  );
  expect(kroneckerFlops(sum)).toBe(productFlops(() => applyKroneckerSum(sum, randomTensor(random, [2, 3, 4]))));
  const problem = problemAt(linearRhs([{ operator }]), 5);
  expect(flopsOfSolve(problem, rk4({ substeps: 2 }))).toBe(8 * problem.field.flops!());
});

import { augmentedBug, type Integrator, krylov, methods, parallelBug, rk4 } from "../../src/index.ts";
import type { Case, Runs } from "./case.ts";
import { leafCase, matrixCase, quenchCase } from "./cases.ts";

/** A number printed elsewhere beside ours. */
export interface Compared {
  readonly case: string;
  readonly method: string;
  readonly h: number;
  readonly measured: number;
  readonly printed: number;
  readonly ratio: number;
}

type Printed = readonly [method: string, integrator: Integrator, errors: readonly number[]];

const evolved = parallelBug({ root: "assembled", coupling: "evolved", firstStep: "parallel" });
const galerkin = parallelBug({ firstStep: "parallel" });
const cheap = (dimension: number): Integrator => augmentedBug({ innerSolver: krylov(dimension) });

/** With the solver of the printed numbers: it keeps columns of size 1e-12 apart from large ones, which Krylov vectors mix. */
const leaves = (...which: Parameters<typeof leafCase>): Case => ({
  ...leafCase(...which),
  name: `${leafCase(...which).name}-rk4`,
  solver: (h) => rk4({ substeps: Math.ceil(h / 0.0125 - 1e-9) }),
});

/** Errors that independent programs print for the same problems, with two or three digits, at h = 0.1, 0.05, 0.025. */
const robust: readonly { readonly of: Case; readonly rows: readonly Printed[] }[] = [
  {
    of: matrixCase(12),
    rows: [
      ["fixed-rank", methods["fixed-rank"], [2.24e-3, 1.13e-3, 5.63e-4]],
      ["augmented", methods.augmented, [1.76e-6, 5.4e-7, 2.9e-7]],
      ["parallel, assembled root, evolved coupling", evolved, [2.96e-3, 9.24e-4, 4.78e-4]],
      ["second-order-4r", methods["second-order-4r"], [4.8e-6, 1.08e-6, 3.2e-7]],
      ["midpoint", methods.midpoint, [2.5e-7, 2.51e-7, 2.52e-7]],
      ["lie", methods.lie, [1.2e-5, 2.1e-6, 5.6e-7]],
      ["strang", methods.strang, [2.1e-6, 5.6e-7, 2.8e-7]],
    ],
  },
  {
    of: matrixCase(6),
    rows: [
      ["fixed-rank", methods["fixed-rank"], [2.3e-3, 1.2e-3, 7.3e-4]],
      ["augmented", methods.augmented, [4.59e-4, 4.59e-4, 4.59e-4]],
      ["second-order-4r", methods["second-order-4r"], [4.59e-4, 4.59e-4, 4.59e-4]],
      ["midpoint", methods.midpoint, [4.59e-4, 4.59e-4, 4.59e-4]],
    ],
  },
  {
    of: leaves("flat", 0),
    rows: [
      ["parallel-assembled", methods["parallel-assembled"], [4.56e-2, 2.25e-2, 1.12e-2]],
      ["parallel, assembled root, evolved coupling", evolved, [4.18e-2, 2.06e-2, 1.03e-2]],
      ["parallel, not started by another", galerkin, [7.3e-3, 3.6e-3, 1.8e-3]],
      ["augmented-cheap", methods["augmented-cheap"], [7.1e-4, 1.8e-4, 4.5e-5]],
      ["augmented, Krylov dimension 3", cheap(3), [6.2e-4, 1.5e-4, 3.8e-5]],
      ["augmented, Krylov dimension 4", cheap(4), [4.4e-4, 1.1e-4, 2.8e-5]],
      ["augmented", methods.augmented, [4.4e-4, 1.1e-4, 2.75e-5]],
    ],
  },
  {
    of: leaves("tiny", 0),
    rows: [
      ["parallel-assembled", methods["parallel-assembled"], [1.91e-2, 5.8e-3, 2.2e-3]],
      ["parallel, assembled root, evolved coupling", evolved, [1.38e-2, 3.4e-3, 8.5e-4]],
      ["parallel, not started by another", galerkin, [5.0e-3, 1.3e-3, 3.2e-4]],
      ["augmented-cheap", methods["augmented-cheap"], [6.0e-4, 1.4e-4, 3.2e-5]],
      ["augmented, Krylov dimension 3", cheap(3), [5.9e-4, 1.4e-4, 3.2e-5]],
      ["augmented, Krylov dimension 4", cheap(4), [1.0e-4, 1.3e-5, 1.7e-6]],
      ["augmented", methods.augmented, [1.4e-4, 2.96e-5, 6.6e-6]],
    ],
  },
  {
    of: leaves("flat", 1e-3),
    rows: [
      ["parallel-assembled", methods["parallel-assembled"], [4.56e-2, 2.25e-2, 1.12e-2]],
      ["augmented", methods.augmented, [4.84e-4, 2.29e-4, 2.03e-4]],
    ],
  },
  {
    of: leaves("tiny", 1e-3),
    rows: [
      ["parallel-assembled", methods["parallel-assembled"], [1.92e-2, 6.2e-3, 6.0e-3]],
      ["augmented", methods.augmented, [3.5e-4, 8.2e-5, 2.1e-5]],
    ],
  },
];

/**
 * The quench of eight spins at a rank limit, T = 1, h = 0.02 and 0.01, first two steps by augmented BUG. With the solver of the printed numbers,
 * six steps of RK4: its own error at h = 0.02 is 6.5e-5.
 */
const spins = (rank: number): Case => ({
  ...quenchCase(8, [0.02, 0.01], 1, rank, 1e-8),
  name: `quench8-${rank}`,
  label: `quench of 8 spins, rank ${rank}`,
  solver: () => rk4({ substeps: 6 }),
});
const quench: readonly { readonly of: Case; readonly rows: readonly Printed[] }[] = [
  {
    of: spins(6),
    rows: quenchRows([
      [3.4e-2, 2.3e-2],
      [1.1e-3, 5.6e-4],
      [1.861e-4, 1.742e-4],
      [3.1e-4, 1.9e-4],
      [2.126e-4, 1.765e-4],
      [1.864e-4, 1.742e-4],
      [1.861e-4, 1.742e-4],
    ]),
  },
  {
    of: spins(10),
    rows: quenchRows([
      [7.2e-3, 3.3e-3],
      [1.1e-3, 6.1e-4],
      [6.723e-5, 1.0e-5],
      [6.73e-5, 1.05e-5],
      [6.734e-5, 1.055e-5],
      [6.723e-5, 9.989e-6],
      [6.723e-5, 9.985e-6],
    ]),
  },
];

function quenchRows(errors: readonly (readonly number[])[]): readonly Printed[] {
  const rows: readonly (readonly [string, Integrator])[] = [
    ["parallel, assembled root, Euler coupling", parallelBug({ root: "assembled" })],
    ["parallel, assembled root, evolved coupling", parallelBug({ root: "assembled", coupling: "evolved" })],
    ["parallel", methods.parallel],
    [
      "augmented-cheap, started by augmented",
      { ...methods["augmented-cheap"], starter: { integrator: methods.augmented, steps: 2 } },
    ],
    ["augmented, Krylov dimension 3", cheap(3)],
    ["augmented, Krylov dimension 4", cheap(4)],
    ["augmented", methods.augmented],
  ];
  return rows.map(([name, integrator], k) => [name, integrator, errors[k]!]);
}

/** Printed errors beside measured ones. `full` adds the quench. */
export async function referenceTable(runs: Runs, full: boolean): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (const { of: one, rows } of full ? [...robust, ...quench] : robust)
    for (const [method, integrator, errors] of rows)
      for (const [k, printed] of errors.entries()) {
        const h = one.steps[k]!;
        const { error: measured } = await runs.with(one, method, integrator, { h });
        compared.push({ case: one.name, method, h, measured, printed, ratio: measured / printed });
      }
  return compared;
}

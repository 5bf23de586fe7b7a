import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  augmentedBug,
  balanced,
  fromDense,
  fromFunction,
  type Integrator,
  linearRhs,
  norm,
  type Problem,
  type ProductTerm,
  parallelBug,
  productSum,
  schroedinger,
  type Tensor,
  toDense,
  truncate,
  ttn,
} from "../../src/index.ts";
import { scaled } from "../../src/linalg/contract.ts";
import { exactSolution } from "../../src/problems/index.ts";
import { distance } from "../ttn/dense.ts";
import { finalOf, maxOf, off, snapshots } from "./support.ts";

type Parts = { readonly re: readonly number[][]; readonly im: readonly number[][] };
const data = JSON.parse(readFileSync(new URL("../data/ttn_smallsv.json", import.meta.url), "utf8")) as {
  readonly n: number;
  readonly T: number;
  readonly W: readonly Parts[];
  readonly G: readonly Parts[];
  readonly U0: readonly Parts[];
};
const matrixOf = ({ re, im }: Parts): Tensor =>
  fromFunction([re.length, re[0]!.length], (i, j) => ({ re: re[i!]![j!]!, im: im[i!]![j!]! }));
const i = { re: 0, im: 1 };

const sigmas = { flat: [1, 0.5, 0.25, 0.125], tiny: [1, 1e-4, 1e-8, 1e-12] } as const;

/** ising.md 4.7: F(Y) = sum_l W_l Y - i eps (three couplings), Y0 = sum_k sigma_k a_k x b_k x c_k x d_k, tree ((0,1),(2,3)). */
function leafFields(sigma: readonly number[], eps: number) {
  const tree = balanced(4);
  const pair = (a: number, b: number): ProductTerm => ({
    coefficient: eps,
    factors: [a, b].map((mode) => ({ mode, operator: matrixOf(data.G[mode]!) })),
  });
  // F = -i H with H = i W_l + eps G G
  const terms: ProductTerm[] = [
    ...data.W.map((w, mode) => ({ coefficient: 1, factors: [{ mode, operator: scaled(i, matrixOf(w)) }] })),
    ...(eps > 0 ? [pair(0, 1), pair(1, 2), pair(0, 3)] : []),
  ];
  const diagonal = fromFunction([4, 4, 4], (a, b, c) => ({ re: a === b && b === c ? 1 : 0, im: 0 }));
  const root = fromFunction([4, 4, 1], (a, b) => ({ re: a === b ? sigma[a!]! : 0, im: 0 }));
  const [u0, u1, u2, u3] = data.U0.map(matrixOf) as [Tensor, Tensor, Tensor, Tensor];
  const initial = ttn(tree, [u0, u1, diagonal, u2, u3, diagonal, root]);
  const problem: Problem = {
    name: "leaf fields",
    rhs: linearRhs([{ operator: productSum(tree, Array(4).fill(6), terms) }], { factor: { re: 0, im: -1 } }),
    initial,
    span: [0, data.T],
    observables: {},
  };
  return { problem, exact: exactSolution(terms, toDense(initial))(data.T) };
}

async function leafErrors(integrator: Integrator, sigma: readonly number[], eps: number) {
  const { problem, exact } = leafFields(sigma, eps);
  const errors = [];
  for (const h of [0.1, 0.05, 0.025]) {
    const last = await finalOf(problem, { integrator, h, truncation: { tolerance: "off", maxRank: 4 } });
    errors.push(distance(toDense(last.y), exact));
  }
  return errors;
}

const unstarted = (options: object): Integrator => parallelBug({ ...options, firstStep: "parallel" });
const euler = unstarted({ root: "assembled", coupling: "euler" });
const evolved = unstarted({ root: "assembled", coupling: "evolved" });
const galerkin = unstarted({});

/*
 * ising.md 4.7 and integrators.md 7.3: numbers of an independent program, printed with two or three digits, so that half a
 * unit of the last one is up to 4 %.
 */
describe("fixed rank 4 on a tree with small singular values, as printed", () => {
  test.each([
    ["parallel BUG, Euler coupling", "flat", 0, euler, [4.56e-2, 2.25e-2, 1.12e-2]],
    ["parallel BUG, Euler coupling", "flat", 1e-3, euler, [4.56e-2, 2.25e-2, 1.12e-2]],
    ["parallel BUG, Euler coupling", "tiny", 0, euler, [1.91e-2, 5.8e-3, 2.2e-3]],
    ["parallel BUG, Euler coupling", "tiny", 1e-3, euler, [1.92e-2, 6.2e-3, 6.0e-3]],
    ["parallel BUG, evolved coupling", "flat", 0, evolved, [4.18e-2, 2.06e-2, 1.03e-2]],
    ["parallel BUG, evolved coupling", "tiny", 0, evolved, [1.38e-2, 3.4e-3, 8.5e-4]],
    ["parallel BUG, Galerkin root", "flat", 0, galerkin, [7.3e-3, 3.6e-3, 1.8e-3]],
    ["parallel BUG, Galerkin root", "tiny", 0, galerkin, [5.0e-3, 1.3e-3, 3.2e-4]],
    ["augmented BUG", "flat", 0, augmentedBug(), [4.4e-4, 1.1e-4, 2.75e-5]],
    ["augmented BUG", "flat", 1e-3, augmentedBug(), [4.84e-4, 2.29e-4, 2.03e-4]],
    ["augmented BUG", "tiny", 1e-3, augmentedBug(), [3.5e-4, 8.2e-5, 2.1e-5]],
  ] as const)("%s, %s singular values, eps = %d", async (...row) => {
    const [, which, eps, integrator, expected] = row;
    const errors = await leafErrors(integrator, sigmas[which], eps);
    errors.forEach((e, k) => {
      expect(off(e, expected[k]!)).toBeLessThan(0.04);
    });
  });

  /*
   * Printed: 1.4e-4, 2.96e-5, 6.6e-6. New directions come from columns of size h sigma_4 = 1e-13 here, where each program
   * has its own threshold below which a column is no direction, and its own completion: we find 2 to 4 times as much, at
   * the same order two, and no more than with singular values of order one.
   */
  test("augmented BUG, tiny singular values, eps = 0: as accurate as with flat ones, order two", async () => {
    const errors = await leafErrors(augmentedBug(), sigmas.tiny, 0);
    [4.4e-4, 1.1e-4, 2.75e-5].forEach((bound, k) => {
      expect(errors[k]).toBeLessThan(bound);
    });
    expect(Math.log2(errors[0]! / errors[2]!) / 2).toBeGreaterThan(1.8);
  });

  test("no method is worse with tiny singular values than with those of order one", async () => {
    for (const integrator of [euler, evolved, galerkin, augmentedBug()]) {
      const [flat, tiny] = [await leafErrors(integrator, sigmas.flat, 0), await leafErrors(integrator, sigmas.tiny, 0)];
      tiny.forEach((e, k) => {
        expect(e).toBeLessThanOrEqual(3 * flat[k]!);
      }); // RELIABILITY.md C3
    }
  });
});

describe("matrix Schroedinger equation with singular values 1 to 1e-12", () => {
  const n = 64;
  const dct = (k: number): number[] => {
    const v = Array.from({ length: n }, (_, p) => Math.cos((Math.PI * (p + 0.5) * k) / n));
    const size = Math.hypot(...v);
    return v.map((x) => x / size);
  };
  const hop = fromFunction([n, n], (a, b) => (a === b ? 1 : [1, n - 1].includes(Math.abs(a! - b!)) ? -0.5 : 0));
  const potential = fromFunction([n, n], (a, b) => (a === b ? 1 - Math.cos(((2 * Math.PI) / n) * (a! - n / 2)) : 0));
  // Y' = i (D Y + Y D^T) - i Vc Y Vc = -i H Y
  const terms: ProductTerm[] = [
    { coefficient: -1, factors: [{ mode: 0, operator: hop }] },
    { coefficient: -1, factors: [{ mode: 1, operator: hop }] },
    { coefficient: 1, factors: [0, 1].map((mode) => ({ mode, operator: potential })) },
  ];
  const [u, v] = [Array.from({ length: 13 }, (_, k) => dct(k)), Array.from({ length: 13 }, (_, k) => dct(k + 3))];
  const full = fromFunction([n, n], (a, b) => ({
    re: u.reduce((sum, uk, k) => sum + uk[a!]! * v[k]![b!]! * Number(`1e-${k}`), 0),
    im: 0,
  }));
  const exact = exactSolution(terms, full)(0.5);
  const rhs = schroedinger(productSum(balanced(2), [n, n], terms));

  const start = fromDense(balanced(2), full);

  async function errorsOf(integrator: Integrator, maxRank: number) {
    const truncation = { tolerance: "off", maxRank } as const;
    const initial = truncate(start, truncation).y;
    const rows = [];
    for (const h of [0.1, 0.05, 0.025]) {
      const all = await snapshots(
        { name: "matrix", rhs, initial, span: [0, 0.5], observables: {} },
        { integrator, h, truncation },
      );
      rows.push({
        error: distance(toDense(all.at(-1)!.y), exact),
        drift: maxOf(all.map((s) => Math.abs(norm(s.y) - norm(initial)))),
      });
    }
    return rows;
  }

  test("the full solution agrees with the stored entries", () => {
    const stored = [
      [0, 0, 0.0018417883746140525, -0.023910036210465203],
      [10, 20, -0.02099953317344903, 0.010771495642371402],
    ] as const;
    for (const [a, b, re, im] of stored) {
      expect(Math.abs(exact.data[2 * (n * a + b)]! - re)).toBeLessThan(1e-13);
      expect(Math.abs(exact.data[2 * (n * a + b) + 1]! - im)).toBeLessThan(1e-13);
    }
  });

  // matrix_schroedinger_smallsv.json; at rank 12 augmented BUG comes close to the best approximation, 2.49e-7, and what it has
  // on top depends on directions of size 1e-12
  test("augmented BUG", async () => {
    const twelve = await errorsOf(augmentedBug(), 12);
    [1.7556e-6, 5.3683e-7, 2.8528e-7].forEach((e, k) => {
      expect(off(twelve[k]!.error, e)).toBeLessThan(0.1);
    });
    for (const { drift } of twelve) expect(drift).toBeLessThan(1e-12);
    const six = await errorsOf(augmentedBug(), 6);
    [4.592e-4, 4.5905e-4, 4.5923e-4].forEach((e, k) => {
      expect(off(six[k]!.error, e)).toBeLessThan(1e-4);
    });
  });

  // for two leaves the evolved coupling is the integrator of the matrix paper
  test("parallel BUG, assembled root, evolved coupling", async () => {
    const twelve = await errorsOf(evolved, 12);
    [2.956013e-3, 9.240555e-4, 4.778147e-4].forEach((e, k) => {
      expect(off(twelve[k]!.error, e)).toBeLessThan(1e-5);
    });
    const six = await errorsOf(evolved, 6);
    [3.89281e-3, 1.505454e-3, 7.769038e-4].forEach((e, k) => {
      expect(off(six[k]!.error, e)).toBeLessThan(1e-5);
    });
  });

  test("parallel BUG with the Galerkin root is augmented BUG, bit for bit", async () => {
    expect(await errorsOf(galerkin, 12)).toEqual(await errorsOf(augmentedBug(), 12));
  });
});

import { wavePackets } from "../../experiments/robustness/coupled-grids.ts";
import {
  applyOperator,
  balanced,
  fromDense,
  fromFunction,
  identity,
  matrixRhs,
  type Problem,
  type ProductTerm,
  productSum,
  randomState,
  roomFor,
  type Snapshot,
  schroedinger,
  seeded,
  sumRhs,
  type Tensor,
  type TTN,
  toDense,
} from "../../src/index.ts";
import { matmul } from "../../src/linalg/contract.ts";
import { parseSpinExpression, spinState } from "../../src/problems/index.ts";
import { denseFlow, denseSchroedinger } from "../ttn/dense.ts";

export interface Case {
  readonly name: string;
  readonly problem: Problem;
  readonly exact: Tensor;
}

export const problemOf = (rhs: Problem["rhs"], initial: TTN, T: number): Problem => ({
  name: "automatic",
  rhs,
  initial,
  span: [0, T],
  observables: {},
});

/** Spins all up in a long-ranged Ising model: ranks grow from one. */
export function quench(): Case {
  const tree = balanced(6);
  const initial = spinState(tree, "up", 1);
  const terms = parseSpinExpression("2*sum(Z[i]*Z[j]/abs(i-j), i<j) + sum(X[i]) + sum(Z[i])", 6);
  const rhs = schroedinger(productSum(tree, Array(6).fill(2), terms));
  const exact = denseFlow(denseSchroedinger([terms]), toDense(initial), 3);
  return { name: "a quench of spins", problem: problemOf(rhs, initial, 3), exact };
}

/** Spins in a field that changes with time. */
export function driven(): Case {
  const tree = balanced(6);
  const sizes = Array<number>(6).fill(2);
  const field = (t: number): number => 1 + 0.5 * Math.sin(t);
  const [pairs, single] = ["-sum(Z[i]*Z[i+1])", "-sum(X[i]) - 0.5*sum(Z[i])"].map((e) => parseSpinExpression(e, 6)) as [
    ProductTerm[],
    ProductTerm[],
  ];
  const rhs = schroedinger([
    { operator: productSum(tree, sizes, pairs) },
    { operator: productSum(tree, sizes, single), coefficient: field },
  ]);
  const initial = spinState(tree, "up", 1);
  const exact = denseFlow(denseSchroedinger([pairs], [single, field]), toDense(initial), 4);
  return { name: "driven spins", problem: problemOf(rhs, initial, 4), exact };
}

/** A ring of spins: what mirrors turn into its negative appears on both sides of an edge at once, and in no frame of the state. */
export function ring(d: number): Case {
  const tree = balanced(d);
  const initial = spinState(tree, "up", 1);
  const terms = parseSpinExpression(`-sum(Z[i]*Z[i+1]) - Z[0]*Z[${d - 1}] - sum(X[i])`, d);
  const rhs = schroedinger(productSum(tree, Array(d).fill(2), terms));
  const exact = denseFlow(denseSchroedinger([terms]), toDense(initial), 1);
  return { name: `a ring of ${d} spins`, problem: problemOf(rhs, initial, 1), exact };
}

/** Spins whose coupling is a pulse in time, after a long calm. */
export function pulse(): Case {
  const tree = balanced(4);
  const sizes = Array<number>(4).fill(2);
  const [single, pairs] = ["0.3*sum(X[i]) + 0.1*Z[0] + 0.2*Y[2]", "2*sum(Z[i]*X[i+1]) + X[0]*Y[3] + 1.5*Y[1]*Z[2]"].map(
    (e) => parseSpinExpression(e, 4),
  ) as [ProductTerm[], ProductTerm[]];
  const strength = (t: number): number => Math.exp(-(((t - 7) / 0.5) ** 2));
  const rhs = schroedinger([
    { operator: productSum(tree, sizes, single) },
    { operator: productSum(tree, sizes, pairs), coefficient: strength },
  ]);
  const initial = randomState(tree, sizes, 1, seeded(3), "complex128");
  const exact = denseFlow(denseSchroedinger([single], [pairs, strength]), toDense(initial), 10);
  return { name: "a pulse", problem: problemOf(rhs, initial, 10), exact };
}

/** Wave packets on three grids in a potential that couples them. */
export function packets(): Case {
  const { tree, sizes, single, coupling, packets: y } = wavePackets();
  const terms = [...single, ...coupling];
  const operator = productSum(tree, sizes, terms);
  return {
    name: "wave packets in a coupled potential",
    problem: problemOf(schroedinger(operator), roomFor(y, applyOperator(operator, y)), 4),
    exact: denseFlow(denseSchroedinger([terms]), toDense(y), 4),
  };
}

/** The cubic Schroedinger equation i Y' = H Y + 2 |Y|^2 Y on a square, entry by entry: nonlinear, tangent to nothing. */
export function cubic(): Case {
  const n = 32;
  const h = 12 / n;
  const tree = balanced(2);
  const laplace = fromFunction([n, n], (i, j) => ({
    re: (i === j ? 1 : [1, n - 1].includes(Math.abs(i! - j!)) ? -0.5 : 0) / h / h,
    im: 0,
  }));
  const terms = [0, 1].map((mode) => ({ coefficient: 1, factors: [{ mode, operator: laplace }] }));
  const right = identity(n, "complex128");
  /** -2i |x|^2 x */
  const cube = (x: Tensor): Float64Array =>
    x.data.map((_, k) => {
      const size = 2 * (x.data[k - (k % 2)]! ** 2 + x.data[k - (k % 2) + 1]! ** 2);
      return k % 2 === 0 ? size * x.data[k + 1]! : -size * x.data[k - 1]!;
    });
  const nonlinear = matrixRhs(
    (_t, { u, s, v }) => {
      const x = matmul(matmul(u, s), v, "N", "T");
      return { left: { ...x, data: cube(x) }, right };
    },
    { dtype: "complex128", autonomous: true },
  );
  const g = (c: number, w: number, i: number): number => Math.exp(-(((i - c) * h) ** 2) / w / w / 2);
  const full = fromFunction([n, n], (i, j) => ({
    re: g(12, 1, i!) * g(12, 1.2, j!) + 0.6 * g(20, 1.1, i!) * g(18, 1, j!),
    im: 0.3 * g(16, 1, i!) * g(16, 1, j!),
  }));
  const linear = denseSchroedinger([terms]);
  const apply = (t: number, y: Tensor, out: Tensor): void => {
    linear(t, y, out);
    cube(y).forEach((v, k) => {
      out.data[k]! += v;
    });
  };
  const rhs = sumRhs(schroedinger(productSum(tree, [n, n], terms)), nonlinear);
  return {
    name: "the cubic Schroedinger equation",
    problem: problemOf(rhs, fromDense(tree, full), 2),
    exact: denseFlow(apply, full, 2),
  };
}

/** Rotations of the single modes, from a random state of rank three: tangent to the manifold. */
export function rotations(): Case {
  const tree = balanced(4);
  const sizes = Array<number>(4).fill(6);
  const random = seeded(17);
  const terms = sizes.map((n, mode): ProductTerm => {
    const a = fromFunction([n, n], () => ({ re: random() - 0.5, im: random() - 0.5 }));
    const at = (i: number, j: number, part: number): number => a.data[2 * (i * n + j) + part]!;
    const operator = fromFunction([n, n], (i, j) => ({
      re: (at(i!, j!, 0) + at(j!, i!, 0)) / 2,
      im: (at(i!, j!, 1) - at(j!, i!, 1)) / 2,
    }));
    return { coefficient: 1, factors: [{ mode, operator }] };
  });
  const initial = randomState(tree, sizes, 3, seeded(18), "complex128");
  return {
    name: "rotations",
    problem: problemOf(schroedinger(productSum(tree, sizes, terms)), initial, 6),
    exact: denseFlow(denseSchroedinger([terms]), toDense(initial), 6),
  };
}

/** The end of a run, what it cost, and its steps. */
export const last = async (
  run: AsyncIterable<Snapshot>,
): Promise<{ y: TTN; work: number; steps: readonly Snapshot[] }> => {
  const steps: Snapshot[] = [];
  for await (const s of run) steps.push(s);
  return { y: steps.at(-1)!.y, work: steps.reduce((sum, s) => sum + s.applications, 0), steps };
};

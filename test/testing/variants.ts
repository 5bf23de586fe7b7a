import {
  augmentedBug,
  fixedRankBug,
  type Integrator,
  type LocalSolver,
  type Rhs,
  type StepContext,
  type Tensor,
  type TTN,
  tensor,
  ttn,
} from "../../src/index.ts";
import { combine, matmul, permute, scaleColumns } from "../../src/linalg/contract.ts";
import { svd } from "../../src/linalg/factor.ts";
import { conj } from "../../src/linalg/level1.ts";
import { reshape } from "../../src/linalg/tensor.ts";
import { workspace } from "../../src/linalg/workspace.ts";

/** Integrators with a mistake, each built by changing what a good one gets or gives. */

const good = augmentedBug();

/** The good integrator with something done to what its local solver is given, or gives. */
const withSolver = (name: string, change: (solver: LocalSolver) => LocalSolver): Integrator => ({
  ...good,
  name,
  step: (context, y, t, h) => good.step({ ...context, solver: change(context.solver) }, y, t, h),
});

/** The bases of small amplitude come out conjugated. */
export const skipsConjugation = withSolver("skips a conjugation", (solver) => ({
  ...solver,
  solve(problem) {
    const solution = solver.solve(problem);
    return problem.seeks === "basis" ? { ...solution, final: conj(solution.final) } : solution;
  },
}));

/** The root is solved back in time. */
export const wrongSign = withSolver("steps back at the root", (solver) => ({
  ...solver,
  solve: (problem) =>
    solver.solve(problem.seeks === "state" ? { ...problem, t0: problem.t1, t1: problem.t0 } : problem),
}));

/** Local problems are solved a little too far. */
export const overshoots = withSolver("evaluates outside of the step", (solver) => ({
  ...solver,
  solve: (problem) => solver.solve({ ...problem, t1: problem.t1 + 0.1 * (problem.t1 - problem.t0) }),
}));

/** Truncation comes first: the bases that K-steps find are those of a solution cut to rank one. */
export const truncatesFirst = withSolver("truncates before augmenting", (solver) => ({
  ...solver,
  solve(problem) {
    const solution = solver.solve(problem);
    if (problem.seeks === "state") return solution;
    const { shape } = solution.final;
    const { u, s, vh } = svd(
      reshape(solution.final, [solution.final.shape.slice(0, -1).reduce((p, n) => p * n, 1), shape.at(-1)!]),
    );
    return {
      ...solution,
      final: reshape(
        matmul(
          scaleColumns(
            u,
            s.map((v, k) => (k === 0 ? v : 0)),
          ),
          vh,
        ),
        shape,
      ),
    };
  },
}));

/** Only the root moves. */
export const neverAugments = withSolver("never augments", (solver) => ({
  ...solver,
  solve: (problem) =>
    problem.seeks === "basis"
      ? { final: problem.initial, applications: 0, errorEstimate: 0, converged: true }
      : solver.solve(problem),
}));

/** The old basis is dropped, as in the fixed-rank method, but conservation and descent are promised all the same. */
export const dropsOldBasis: Integrator = {
  ...fixedRankBug(),
  name: "drops the old basis",
  promises: { ...good.promises, rankAdaptive: false },
};

/** The good integrator with something done to the whole step. */
const withStep = (
  name: string,
  step: (context: StepContext, y: TTN, t: number, h: number) => ReturnType<Integrator["step"]>,
) => ({
  ...good,
  name,
  step,
});

/** Neither the tolerance nor the largest rank is respected. */
export const ignoresTolerance = withStep("ignores the tolerance", (context, y, t, h) =>
  good.step({ ...context, truncation: { tolerance: 1e-14 } }, y, t, h),
);

/** The tolerance is taken a hundred million times too large. */
export const cutsTooMuch = withStep("cuts too much", (context, y, t, h) => {
  const { tolerance } = context.truncation;
  return good.step({ ...context, truncation: { tolerance: tolerance === "off" ? "off" : 1e8 * tolerance } }, y, t, h);
});

/** One application is not reported. */
export const hidesWork = withStep("hides work", function* (context, y, t, h) {
  const result = yield* good.step(context, y, t, h);
  return result.ok ? { ...result, applications: result.applications - 1 } : result;
});

/** Scratch memory in the input. */
export const writesInput = withStep("writes into its input", function* (context, y, t, h) {
  const result = yield* good.step(context, y, t, h);
  y.tensors[0]!.data[0]! += 1e-16;
  y.tensors[0]!.data[0]! *= 1 + 1e-15;
  return result;
});

/** Something stays from one step to the next. */
export const remembers = (): Integrator => {
  let steps = 0;
  return withStep("remembers earlier steps", function* (context, y, t, h) {
    const result = yield* good.step(context, y, t, h);
    return result.ok ? { ...result, y: rescaled(result.y, 1 + 1e-15 * (++steps % 2)) } : result;
  });
};

/** A leaf that is not orthonormal, balanced by the root: the same tensor. */
export const losesGauge = withStep("loses its gauge", function* (context, y, t, h) {
  const result = yield* good.step(context, y, t, h);
  if (!result.ok) return result;
  const leaf = result.y.tensors[0]!;
  const tensors = rescaled(result.y, 0.5).tensors.with(0, combine([[2, leaf]]));
  return { ...result, y: { ...result.y, tensors } };
});

const rescaled = (y: TTN, by: number): TTN => ({
  ...y,
  tensors: y.tensors.with(y.center, combine([[by, y.tensors[y.center]!]])),
});

/**
 * RK4 on the classical equations of the factors, Y = U S V^T: S' = U* F V, U' = (1 - U U*) F V S^-1, V' likewise. For real
 * matrices, trees of two leaves. The negative control: it needs S^-1.
 */
export const naiveFactors: Integrator = {
  name: "classical factor equations",
  reference: "koch2007dynamical",
  promises: { order: 1, exact: false, conserves: "nothing", descends: false, rankAdaptive: false },
  *step({ rhs }, y, t, h) {
    const start = [y.tensors[0]!, y.tensors[1]!, y.tensors[2]!] as const;
    const moved = (by: number, slope: Factors): Factors =>
      start.map((x, k) =>
        combine([
          [1, x],
          [by, slope[k]!],
        ]),
      ) as unknown as Factors;
    const k1 = slopes(rhs, y, t, start);
    const k2 = slopes(rhs, y, t + h / 2, moved(h / 2, k1));
    const k3 = slopes(rhs, y, t + h / 2, moved(h / 2, k2));
    const k4 = slopes(rhs, y, t + h, moved(h, k3));
    const end = start.map((x, k) =>
      combine([
        [1, x],
        [h / 6, k1[k]!],
        [h / 3, k2[k]!],
        [h / 3, k3[k]!],
        [h / 6, k4[k]!],
      ]),
    );
    const survives = end.every((x) => x.data.every(Number.isFinite));
    if (!survives) return { ok: false, why: "not-finite", node: 2 };
    return { ok: true, y: ttn(y.tree, end), discarded: 0, applications: 12, missed: null, widened: null };
  },
};

type Factors = readonly [Tensor, Tensor, Tensor];

function slopes(rhs: Rhs, { tree }: TTN, t: number, [u, v, root]: Factors): Factors {
  const r = u.shape[1]!;
  const s = reshape(root, [r, r]);
  const across = tensor([r, r, 1]);
  for (let k = 0; k < r; k++) across.data[k * (r + 1)] = 1;
  const evaluate = (tensors: readonly Tensor[], center: number): Tensor => {
    using frame = workspace().frame();
    const out = tensor(tensors[center]!.shape);
    rhs.bind({ tree, tensors, center }, center).plan(frame)(t, tensors[center]!, out);
    return out;
  };
  const { u: left, s: values, vh } = svd(s);
  const reciprocal = values.map((x) => 1 / x);
  const inverse = matmul(scaleColumns(permute(vh, [1, 0]), reciprocal), left, "N", "T");
  const project = (basis: Tensor, x: Tensor): Tensor =>
    combine([
      [1, x],
      [-1, matmul(basis, matmul(basis, x, "C", "N"))],
    ]);
  const fv = evaluate([matmul(u, s), v, across], 0);
  const fu = evaluate([u, matmul(v, s, "N", "T"), across], 1);
  return [matmul(project(u, fv), inverse), matmul(project(v, fu), inverse, "N", "T"), evaluate([u, v, root], 2)];
}

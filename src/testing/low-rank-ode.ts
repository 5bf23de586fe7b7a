import { combine, permute, scaled } from "../linalg/contract.ts";
import { singularValues } from "../linalg/factor.ts";
import { planKroneckerSum } from "../linalg/kronecker-plan.ts";
import { expAction } from "../linalg/krylov.ts";
import { conj, norm as frobenius } from "../linalg/level1.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { copy, type Dtype, shapeText, type Tensor, tensor, width } from "../linalg/tensor.ts";
import { workspace } from "../linalg/workspace.ts";
import { norm, scale, toDense } from "../ttn/arithmetic.ts";
import { fullMap } from "../ttn/operators/full-map.ts";
import { linearRhs } from "../ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../ttn/operators/product-sum.ts";
import type { Problem } from "../ttn/problem.ts";
import { sourceRhs } from "../ttn/source-rhs.ts";
import { sumRhs } from "../ttn/sum-rhs.ts";
import { type Nested, tree } from "../ttn/tree.ts";
import type { Truncation } from "../ttn/truncate.ts";
import { ranks, type TTN } from "../ttn/ttn.ts";
import { figure } from "./broken-promise.ts";
import { spectrum, stateWithSpectrum } from "./spectra.ts";

/** An initial value problem whose full solution is known. */
export interface KnownOde {
  /** What it is, in words. */
  readonly text: string;
  readonly problem: Problem;
  /** The full solution; t0 is the start of the problem's span. */
  exact(t: number): Tensor;
  /** How ranks are cut to follow it. Default: never, at the ranks of the start. */
  readonly truncation?: Truncation;
}

/** The truncation that goes with a problem. */
export const truncationFor = ({ truncation, problem }: KnownOde): Truncation =>
  truncation ?? { tolerance: "off", maxRank: ranks(problem.initial) };

/** What a random low-rank ODE is made of; plain data, so that a failing case can be read and made again. */
export interface OdeSpec {
  readonly tree: Nested;
  readonly sizes: readonly number[];
  /** Rank of every edge of the start. */
  readonly rank: number;
  /** Smallest singular value of the start on every edge, the largest being 1 (before the norm is made 1). */
  readonly smallest: number;
  readonly dtype: Dtype;
  /** "rotation": skew-Hermitian matrices, so that norms stay; "general": any, of the same size. */
  readonly kind: "rotation" | "general";
  /** Size of the coupling of two modes, which leaves the tangent space. */
  readonly coupling: number;
  /** Norm of a moving source of rank one, which leaves the tangent space. */
  readonly source: number;
  /** Distance of the start from the exact initial value. */
  readonly delta: number;
  readonly T: number;
  readonly seed: number;
}

/** A low-rank ODE with its constants; a ball of radius |Y| <= `size` holds the exact solution. */
export interface LowRankOde extends KnownOde {
  readonly spec: OdeSpec;
  /** L: Lipschitz constant of F, in Y and t. */
  readonly lipschitz: number;
  /** l: one-sided Lipschitz constant, Re <Y - Z, F(Y) - F(Z)> <= l |Y - Z|^2; zero for rotations. */
  readonly oneSided: number;
  /** B: largest |F|. */
  readonly bound: number;
  /** eps: largest distance of F(t, Y) from the tangent space at Y. */
  readonly eps: number;
  /** |Y_0 - A(0)|. */
  readonly delta: number;
  readonly ranks: readonly number[];
}

/**
 * F(t, Y) = sum_l Y x_l W_l + coupling Y x_a G_a x_b G_b + source (cos t S_1 + sin t S_2), all matrices of spectral norm one and
 * |S_1| = |S_2| = 1 / sqrt 2. The first sum is tangent to every manifold of fixed ranks, the rest is not.
 */
export function lowRankOde(spec: OdeSpec): LowRankOde {
  const { sizes, rank, dtype, kind, source, delta, T } = spec;
  const { tree: shape, terms, linear, coupling } = linearPart(spec);
  const random = seeded(spec.seed + 1);
  const start = stateWithSpectrum(shape, sizes, spectrum(rank, spec.smallest), random, dtype);
  const initial = scale(1 / norm(start), start);
  const sources = [0, 1].map(() => scale(source / Math.SQRT2, stateWithSpectrum(shape, sizes, [1], random, dtype))) as [
    TTN,
    TTN,
  ];
  const moving = (t: number): readonly TTN[] => [scale(Math.cos(t), sources[0]), scale(Math.sin(t), sources[1])];
  const rhs = source > 0 ? sumRhs(linear, sourceRhs(moving, { dtype })) : linear;
  const full = toDense(initial);
  const off = randomTensor(random, full.shape, dtype);
  const from =
    delta > 0
      ? combine([
          [1, full],
          [delta / frobenius(off), off],
        ])
      : full;
  const lipschitzY = sizes.length + coupling;
  const oneSided = kind === "rotation" ? 0 : lipschitzY;
  const size = Math.exp(oneSided * T) * (1 + delta + T * source);
  return {
    spec,
    text: describeOde(spec),
    problem: { name: "low-rank ODE", rhs, initial, span: [0, T], observables: {} },
    exact: solution(from, terms, sources.map(toDense), source > 0),
    lipschitz: lipschitzY + (source > 0 ? 1 : 0),
    oneSided,
    bound: lipschitzY * size + source,
    eps: coupling * size + source,
    delta,
    ranks: ranks(initial),
  };
}

/** The linear part of F, and how large the coupling in it is: a single mode has none. */
export function linearPart({ tree: nested, sizes, dtype, kind, coupling, seed }: OdeSpec) {
  const shape = tree(nested);
  const random = seeded(seed);
  const draw = (mode: number, part: -1 | 0 | 1): Factor => ({
    mode,
    operator: unitNorm(randomTensor(random, [sizes[mode]!, sizes[mode]!], dtype), part),
  });
  const own = kind === "rotation" ? -1 : 0;
  const terms: Term[] = sizes.map((_, mode) => ({ coefficient: 1, factors: [draw(mode, own)] }));
  const couples = coupling > 0 && shape.order > 1;
  // skew times Hermitian is skew: the coupling rotates too
  if (couples) terms.push({ coefficient: coupling, factors: [draw(0, own), draw(shape.order - 1, 1)] });
  return {
    tree: shape,
    terms,
    linear: linearRhs([{ operator: productSum(shape, sizes, terms) }]),
    coupling: couples ? coupling : 0,
  };
}

type Factor = ProductTerm["factors"][number];
type Term = ProductTerm & { readonly coefficient: number };

/** The case in words. */
export function describeOde(spec: OdeSpec): string {
  const { sizes, rank, smallest, dtype, kind, coupling, source, delta, T, seed } = spec;
  const parts = [
    `tree ${JSON.stringify(spec.tree)}`,
    `sizes ${shapeText(sizes)}`,
    `rank ${rank}`,
    ...(rank > 1 ? [`smallest singular value ${figure(smallest)}`] : []),
    dtype,
    kind,
    ...Object.entries({ coupling, source, delta }).flatMap(([name, v]) => (v > 0 ? [`${name} ${figure(v)}`] : [])),
    `T = ${figure(T)}`,
    `numbers from seed ${seed}`,
  ];
  return parts.join(", ");
}

/** A (part = 0), or its Hermitian (1) or skew-Hermitian (-1) part, of spectral norm one; zero where there is none. */
function unitNorm(a: Tensor, part: -1 | 0 | 1): Tensor {
  const m =
    part === 0
      ? a
      : combine([
          [0.5, a],
          [0.5 * part, permute(conj(a), [1, 0])],
        ]);
  const size = singularValues(m)[0]!;
  return size > 0 ? scaled(1 / size, m) : m;
}

/** The full solution: the exponential of the linear system of (Y, cos t, sin t), to a relative error of 1e-13. */
function solution(start: Tensor, terms: readonly ProductTerm[], sources: readonly Tensor[], moves: boolean) {
  const { shape, dtype } = start;
  const map = fullMap(terms, shape, dtype);
  const w = width(dtype);
  const n = start.data.length;
  const extended = tensor([n / w + (moves ? 2 : 0)], dtype);
  extended.data.set(start.data);
  if (moves) extended.data[n] = 1;
  const known = new Map<number, Tensor>();
  return (t: number): Tensor => {
    const found = known.get(t);
    if (found) return found;
    using frame = workspace().frame();
    const linear = planKroneckerSum(map, frame);
    const [x, y] = [frame.take(shape, dtype), frame.take(shape, dtype)];
    const apply = (v: Tensor, out: Tensor): void => {
      x.data.set(v.data.subarray(0, n));
      linear({ re: 1, im: 0 }, x, 0, y);
      out.data.set(y.data);
      if (!moves) return;
      for (const [k, s] of sources.entries()) addMultiple(v.data, n + w * k, s.data, out.data, w);
      for (let part = 0; part < w; part++) {
        out.data[n + part] = -v.data[n + w + part]!;
        out.data[n + w + part] = v.data[n + part]!;
      }
    };
    const z = copy(extended);
    const limits = { tolerance: 1e-13, maxDimension: 40, maxApplications: 100_000 };
    if (!expAction({ apply }, t, z, limits).converged)
      throw new Error(`low-rank ODE: the full solution at t = ${t} did not converge`);
    const solved = tensor(shape, dtype, z.data.slice(0, n));
    known.set(t, solved);
    return solved;
  };
}

/** out := out + v[at] s, real or complex. */
function addMultiple(v: Float64Array, at: number, s: Float64Array, out: Float64Array, w: 1 | 2): void {
  const re = v[at]!;
  const im = w === 2 ? v[at + 1]! : 0;
  for (let i = 0; i < s.length; i += w) {
    out[i]! += re * s[i]! - (w === 2 ? im * s[i + 1]! : 0);
    if (w === 2) out[i + 1]! += re * s[i + 1]! + im * s[i]!;
  }
}

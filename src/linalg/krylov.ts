import { expm } from "./expm.ts";
import { axpy, dot, norm, scaleInto } from "./level1.ts";
import { type Complex, type Dtype, type Tensor, tensor, times, width } from "./tensor.ts";
import { tridiagonalEigen } from "./tridiagonal.ts";
import { workspace } from "./workspace.ts";

/** What is known of the operator A in exp(h A). */
export interface KrylovOperator {
  /** out := A x. */
  readonly apply: (x: Tensor, out: Tensor) => void;
  /** When A = sigma H with H Hermitian: sigma (any non-zero multiple will do). Then Lanczos, else Arnoldi. */
  readonly hermitianUpTo?: Complex | undefined;
}

export interface KrylovOptions {
  /** Error allowed, relative to the norm of the start vector. */
  readonly tolerance: number;
  /** Largest dimension of a Krylov space; a step that needs more is taken in parts. */
  readonly maxDimension: number;
  /** Applications after which the solve gives up. */
  readonly maxApplications: number;
  /** Smallest dimension of a Krylov space, unless fewer span everything. Default 3, or less where that meets the tolerance. */
  readonly minDimension?: number;
}

export interface KrylovResult {
  readonly applications: number;
  /** Sum over the parts of the estimate |beta h e_m^T phi_1(h T) e_1|, relative to the start vector. */
  readonly errorEstimate: number;
  readonly converged: boolean;
}

/**
 * x := exp(h A) x in a Krylov space, in parts of [0, h] if one space of `maxDimension` does not reach. The dimension
 * grows until Saad's residual-based estimate is below the tolerance; Lanczos keeps three vectors in play, Arnoldi all.
 * Cost: one application of A and O(1) (Lanczos) or O(m) (Arnoldi) vector operations a dimension. `x` is overwritten;
 * with `converged: false` it holds the state at the end of the last finished part.
 * [saad1992analysis; hochbruck1997krylov]
 */
export function expAction(a: KrylovOperator, h: number, x: Tensor, options: KrylovOptions): KrylovResult {
  const norm0 = norm(x);
  const result = { applications: 0, errorEstimate: 0, converged: true };
  if (norm0 === 0 || h === 0) return result;
  const unitary = a.hermitianUpTo?.re === 0;
  let unit = 1; // x is held in this unit: norm0 after the first part, lest 1 / |x| be rounded alike in hundreds of them
  let done = 0; // share of h
  let part = 1;
  while (done < 1) {
    part = Math.min(part, 1 - done);
    const beta = norm(x);
    const growth = (unit * beta) / norm0; // since the start
    result.converged = Number.isFinite(beta);
    if (!result.converged) break;
    const scale = unitary ? norm0 / unit : beta;
    const solved = onePart(a, h, x, { beta, scale }, part, { ...options, tolerance: options.tolerance / growth });
    result.applications += solved.applications;
    result.converged = solved.part > 0 && result.applications <= options.maxApplications;
    if (!result.converged) break;
    result.errorEstimate += solved.error * growth;
    done = solved.part === part && part === 1 - done ? 1 : done + solved.part;
    part = solved.part * 1.5;
    if (done < 1 && unit === 1) {
      unit = norm0;
      scaleInto({ re: 1 / unit, im: 0 }, x, x);
    }
  }
  if (unit !== 1) scaleInto({ re: unit, im: 0 }, x, x);
  return result;
}

/** One Krylov space: x := scale exp(share h A) x / beta, beta = |x|, with as large a share of h as it allows, at most `part`. */
function onePart(
  a: KrylovOperator,
  h: number,
  x: Tensor,
  { beta, scale }: { beta: number; scale: number },
  part: number,
  options: KrylovOptions,
): { applications: number; part: number; error: number } {
  using frame = workspace().frame();
  const phase = a.hermitianUpTo && unitPhase(a.hermitianUpTo);
  const basis: Tensor[] = [frame.take(x.shape, x.dtype)];
  scaleInto({ re: 1 / beta, im: 0 }, x, basis[0]!);
  const projected = phase ? new Lanczos(phase) : new Hessenberg(x.dtype);
  const limit = Math.min(options.maxDimension, x.data.length / width(x.dtype));
  const { minDimension = 3 } = options;
  const nothing = options.minDimension === undefined ? options.tolerance : 1e-15;
  for (let m = 1; ; m++) {
    const w = frame.take(x.shape, x.dtype);
    a.apply(basis[m - 1]!, w);
    const next = projected.orthogonalize(basis, w);
    if (!Number.isFinite(next)) return { applications: m, part: 0, error: Number.NaN };
    const exhausted = m >= limit;
    if (!exhausted && m < minDimension && next > nothing * projected.size) {
      scaleInto({ re: 1 / next, im: 0 }, w, w);
      basis.push(w);
      continue; // nothing real converges with two vectors: save the small exponential
    }
    let share = part;
    let trial = projected.exponential(share * h);
    if (exhausted && x.data.length / width(x.dtype) > m)
      for (let halvings = 0; trial.error > options.tolerance * share && halvings < 40; halvings++) {
        share /= 2;
        trial = projected.exponential(share * h);
      }
    const spansAll = m === x.data.length / width(x.dtype) || next <= 1e-15 * projected.size;
    if (spansAll || trial.error <= options.tolerance * share) {
      combineBasis(basis, trial.coefficients, scale, x);
      return { applications: m, part: share, error: spansAll ? 0 : trial.error };
    }
    if (exhausted) return { applications: m, part: 0, error: trial.error };
    scaleInto({ re: 1 / next, im: 0 }, w, w);
    basis.push(w);
  }
}

/** x := scale sum_j c_j v_j. */
function combineBasis(basis: readonly Tensor[], c: readonly Complex[], scale: number, x: Tensor): void {
  x.data.fill(0);
  basis.forEach((v, j) => {
    axpy({ re: scale * c[j]!.re, im: scale * c[j]!.im }, v, x);
  });
}

/** The projection of A on the Krylov space: how the next vector is orthogonalised, and the small exponential. */
interface Projected {
  /** Orthogonalises w against the basis and returns its norm. */
  orthogonalize(basis: readonly Tensor[], w: Tensor): number;
  /** First column of exp(h T), and the estimate of the error. */
  exponential(h: number): { coefficients: Complex[]; error: number };
  /** Size of the projected operator, to judge what is small. */
  readonly size: number;
}

const unitPhase = ({ re, im }: Complex): Complex => {
  const r = Math.hypot(re, im);
  return { re: re / r, im: im / r };
};

/**
 * A = sigma H: with v_j = p^(j-1) q_j, p = sigma / |sigma|, the q_j are the Lanczos vectors of |sigma| H, so the small
 * problem is a real symmetric tridiagonal one.
 */
class Lanczos implements Projected {
  readonly #phase: Complex;
  readonly #alpha: number[] = [];
  readonly #beta: number[] = [];

  constructor(phase: Complex) {
    this.#phase = phase;
  }

  get size(): number {
    return Math.max(...this.#alpha.map(Math.abs), ...this.#beta, Number.MIN_VALUE);
  }

  orthogonalize(basis: readonly Tensor[], w: Tensor): number {
    const p = this.#phase;
    const m = basis.length;
    const v = basis[m - 1]!;
    const hop = m > 1 ? this.#beta[m - 2]! : 0;
    if (m > 1) axpy(times({ re: -hop, im: 0 }, times(p, p)), basis[m - 2]!, w); // T[m-1, m] = beta p / conj(p)
    const c = dot(v, w);
    const alpha = c.re * p.re + c.im * p.im; // Re(conj(p) c): the imaginary part is round-off
    if (!Number.isFinite(alpha)) return Number.NaN;
    axpy({ re: -alpha * p.re, im: -alpha * p.im }, v, w);
    const next = norm(w);
    this.#alpha.push(alpha);
    this.#beta.push(next);
    return next;
  }

  exponential(h: number): { coefficients: Complex[]; error: number } {
    const m = this.#alpha.length;
    const { values, vectors } = tridiagonalEigen(this.#alpha, this.#beta.slice(0, m - 1));
    const p = this.#phase;
    const sums = Array.from({ length: m }, () => ({ re: 0, im: 0 }));
    let phiRe = 0;
    let phiIm = 0;
    for (let k = 0; k < m; k++) {
      const z = times(p, h * values[k]!);
      const e = times(vectors[k]!, expComplex(z)); // vectors[k] is row 0 of column k
      for (let j = 0; j < m; j++) {
        sums[j]!.re += e.re * vectors[j * m + k]!;
        sums[j]!.im += e.im * vectors[j * m + k]!;
      }
      const phi = times(vectors[k]! * vectors[(m - 1) * m + k]!, phi1(z));
      phiRe += phi.re;
      phiIm += phi.im;
    }
    const back: Complex = { re: p.re, im: -p.im };
    if (p.re === 0) {
      // a unitary flow: the rounding of the eigenvectors would otherwise add up over many parts
      let squares = 0;
      for (const { re, im } of sums) squares += re * re + im * im;
      const size = Math.sqrt(squares);
      for (const z of sums) {
        z.re /= size;
        z.im /= size;
      }
    }
    let turn: Complex = { re: 1, im: 0 };
    const coefficients: Complex[] = [];
    for (const s of sums) {
      coefficients.push(times(turn, s));
      turn = times(turn, back);
    }
    return { coefficients, error: this.#beta[m - 1]! * Math.abs(h) * Math.hypot(phiRe, phiIm) };
  }
}

/** Arnoldi: the basis is orthogonalised in full, twice; the small problem is a Hessenberg matrix. */
class Hessenberg implements Projected {
  readonly #dtype: Dtype;
  readonly #columns: Complex[][] = [];

  constructor(dtype: Dtype) {
    this.#dtype = dtype;
  }

  get size(): number {
    return Math.max(...this.#columns.flat().map((z) => Math.hypot(z.re, z.im)), Number.MIN_VALUE);
  }

  orthogonalize(basis: readonly Tensor[], w: Tensor): number {
    const column = basis.map(() => ({ re: 0, im: 0 }));
    for (let pass = 0; pass < 2; pass++)
      basis.forEach((v, j) => {
        const c = dot(v, w);
        axpy({ re: -c.re, im: -c.im }, v, w);
        column[j] = { re: column[j]!.re + c.re, im: column[j]!.im + c.im };
      });
    const next = norm(w);
    this.#columns.push([...column, { re: next, im: 0 }]);
    return next;
  }

  exponential(h: number): { coefficients: Complex[]; error: number } {
    const m = this.#columns.length;
    // exp of [[h T, e_1], [0, 0]] holds exp(h T) and, in its last column, phi_1(h T) e_1
    const augmented = tensor([m + 1, m + 1], this.#dtype);
    const w = width(this.#dtype);
    this.#columns.forEach((column, j) => {
      column.slice(0, m).forEach((z, i) => {
        augmented.data[w * (i * (m + 1) + j)] = h * z.re;
        if (w === 2) augmented.data[w * (i * (m + 1) + j) + 1] = h * z.im;
      });
    });
    augmented.data[w * m] = 1;
    const e = expm(augmented);
    const at = (i: number, j: number): Complex => ({
      re: e.data[w * (i * (m + 1) + j)]!,
      im: w === 2 ? e.data[w * (i * (m + 1) + j) + 1]! : 0,
    });
    const coefficients = Array.from({ length: m }, (_, i) => at(i, 0));
    const phi = at(m - 1, m);
    const next = this.#columns[m - 1]![m]!.re;
    return { coefficients, error: next * Math.abs(h) * Math.hypot(phi.re, phi.im) };
  }
}

const expComplex = (z: Complex): Complex => {
  const r = Math.exp(z.re);
  return { re: r * Math.cos(z.im), im: r * Math.sin(z.im) };
};

/** (e^z - 1) / z, by its series where the quotient would cancel. */
function phi1(z: Complex): Complex {
  const size = Math.hypot(z.re, z.im);
  if (size > 0.5) {
    const e = expComplex(z);
    const d = size * size;
    return times({ re: e.re - 1, im: e.im }, { re: z.re / d, im: -z.im / d });
  }
  let sum: Complex = { re: 1, im: 0 };
  for (let k = 18; k >= 2; k--) {
    const next = times(sum, { re: z.re / k, im: z.im / k });
    sum = { re: 1 + next.re, im: next.im };
  }
  return sum;
}

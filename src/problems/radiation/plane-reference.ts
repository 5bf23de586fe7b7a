import { gemmShape } from "../../linalg/backend.ts";
import { backend } from "../../linalg/current.ts";
import type { SparseMatrix } from "../../linalg/matrix.ts";
import { modeSizes } from "../../ttn/ttn.ts";
import { allCounts } from "../matrix/checks.ts";
import { chebyshevPoints, type Family, lagrangeMeans, meanAndVariance } from "./interpolation.ts";
import type { RadiationProblem } from "./problem.ts";
import { atOnce, type Reference, type ReferenceOptions } from "./slab-reference.ts";
import { type HarmonicFlux, harmonicFlux } from "./spherical-harmonics.ts";
import { stableSteps } from "./stability.ts";

/** How the coefficients of a plane depend on its two inputs. */
export interface PlaneCoefficients {
  /** sigma_s of the first input. */
  readonly scattering: (xi: number) => number;
  /** sigma_a of the second. */
  readonly absorption: (eta: number) => number;
}

/**
 * The full-rank solution of `uncertainPlane` by explicit Euler steps. Absorption commutes with the rest of the step, B(xi), so that
 * after n steps
 *
 *     (B(xi) - a(eta))^n u = sum_k binomial(n, k) (-a(eta))^(n-k) B(xi)^k u,   a = dt sigma_a,
 *
 * is exact in eta from the zeroth moments of one run for each xi. Those are made at Chebyshev points over the scattering
 * coefficient, of which it is a polynomial of degree n, and interpolated. By symmetry one quadrant is enough: moments are even or odd
 * in x as their order is, in y as degree plus order is.
 *
 * Works on moments x points of the quadrant: a step costs 2 points sum of squares of the blocks of |A| (products of the backend),
 * memory three such arrays. Nothing is taken from the problem's operator, but its grid, inputs, step and start (zeroth moment).
 * Throws a RangeError for a problem that is not one in the plane with two inputs, a start that is not even in x and y, a
 * coefficient that is negative at a node, and too few steps for stability.
 */
export function planeReference(
  problem: RadiationProblem,
  { scattering, absorption }: PlaneCoefficients,
  options: ReferenceOptions = {},
): Reference {
  return atOnce(planeReferenceSteps(problem, { scattering, absorption }, options), options);
}

/** The work of `planeReference` step by step: as `slabReferenceSteps`. */
export function* planeReferenceSteps(
  problem: RadiationProblem,
  { scattering, absorption }: PlaneCoefficients,
  options: Omit<ReferenceOptions, "signal" | "progress"> = {},
): Generator<number, Reference> {
  const { grid, inputs, initial, span } = problem;
  const { points: count = 12 } = options;
  if (!("y" in grid) || inputs.length !== 2)
    throw new RangeError(
      `planeReference: ${problem.name} has ${inputs.length} inputs${"y" in grid ? "" : " in a slab"}, expected two in the plane`,
    );
  allCounts("planeReference", { points: count });
  const [xi, eta] = inputs as [(typeof inputs)[0], (typeof inputs)[0]];
  const sigmaS = xi.nodes.map(scattering);
  const sigmaA = eta.nodes.map(absorption);
  for (const [what, values] of Object.entries({ scattering: sigmaS, absorption: sigmaA })) {
    const bad = values.find((v) => !(v >= 0 && v < Number.POSITIVE_INFINITY));
    if (bad !== undefined) throw new RangeError(`planeReference: ${what} is ${bad} at a node, expected zero or more`);
  }
  const duration = span[1] - span[0];
  const dx = grid.x[1]! - grid.x[0]!;
  const steps = stableSteps("planeReference", options.steps, problem.steps, "euler", duration, {
    speed: Math.SQRT2,
    dx,
    decay: Math.max(...sigmaS) + Math.max(...sigmaA),
  });
  const dt = duration / steps;
  const n = grid.x.length;
  const start = quadrantOf(problem.observables["E"]!(initial, span[0]) as Float64Array, n);
  const degree = Math.round((Math.sqrt(8 * modeSizes(initial)[1]! + 1) - 3) / 2);
  const quadrant = new Quadrant(n, dx, dt, harmonicFlux(degree));
  // a polynomial of degree `steps` needs no more points than that
  const points = chebyshevPoints(Math.min(count, steps + 1), Math.min(...sigmaS), Math.max(...sigmaS));
  const runs: Float64Array[][] = [];
  for (const [k, sigma] of points.entries()) {
    const run = [start];
    for (const moment of quadrant.zerothMoments(start, sigma, steps)) {
      run.push(moment);
      yield (k + (run.length - 1) / steps) / points.length;
    }
    runs.push(run);
  }
  const families = Array.from(sigmaA, (sigma, j): Family => {
    const c = binomialTerms(steps, -dt * sigma);
    return { weight: eta.weights[j]!, fields: runs.map((run) => combined(c, run)) };
  });
  const means = lagrangeMeans(
    points,
    Array.from(sigmaS, (s, i) => [s, xi.weights[i]!] as const),
  );
  const { E, Var } = meanAndVariance(means, families);
  const undamped = runs.map((run) => run[steps]!);
  return {
    E: wholeOf(E, n),
    Var: wholeOf(Var, n),
    points,
    fields: undamped.map((field) => wholeOf(field, n)),
    steps,
  };
}

/** binomial(n, k) a^(n-k) for k = 0, ..., n. */
function binomialTerms(n: number, a: number): Float64Array {
  const c = new Float64Array(n + 1);
  c[n] = 1;
  for (let k = n; k > 0; k--) c[k - 1] = (c[k]! * a * k) / (n - k + 1);
  return c;
}

function combined(c: Float64Array, fields: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(fields[0]!.length);
  fields.forEach((field, k) => {
    for (let i = 0; i < sum.length; i++) sum[i]! += c[k]! * field[i]!;
  });
  return sum;
}

/** The points with x >= 0 and y >= 0 of a field on n x n points. Throws a RangeError when it is not even in x and y. */
function quadrantOf(field: Float64Array, n: number): Float64Array {
  const half = Math.ceil(n / 2);
  const quadrant = Float64Array.from(
    { length: half * half },
    (_, p) => field[(n - half + Math.floor(p / half)) * n + n - half + (p % half)]!,
  );
  const largest = field.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const even = wholeOf(quadrant, n);
  if (field.some((v, p) => !(Math.abs(v - even[p]!) <= 1e-10 * largest)))
    throw new RangeError("planeReference: the start is not even in x and y");
  return quadrant;
}

/** The even field on n x n points of this quadrant. */
function wholeOf(quadrant: Float64Array, n: number): Float64Array {
  const half = Math.ceil(n / 2);
  const at = (i: number): number => (i < n - half ? half - 1 - i : i - (n - half));
  return Float64Array.from({ length: n * n }, (_, p) => quadrant[at(Math.floor(p / n)) * half + at(p % n)]!);
}

/** A dense block of a matrix over moments, from `first` on. */
interface Block {
  readonly first: number;
  readonly size: number;
  readonly data: Float64Array;
}

/** Steps of pure scattering on one quadrant: moments x points, the moments sorted so that |A_x| and |A_z| have dense blocks. */
class Quadrant {
  readonly #half: number;
  /** Where the value beyond the symmetry line is found: the point itself, or its neighbour when the line is a grid line. */
  readonly #mirror: number;
  readonly #scale: number;
  readonly #dt: number;
  readonly #moments: readonly {
    readonly signX: number;
    readonly signY: number;
    readonly isotropic: boolean;
    /** Entries of the rows of A_x and A_z. */
    readonly x: readonly (readonly [number, number])[];
    readonly z: readonly (readonly [number, number])[];
  }[];
  readonly #absX: readonly Block[];
  readonly #absZ: readonly Block[];

  constructor(n: number, dx: number, dt: number, flux: HarmonicFlux) {
    this.#half = Math.ceil(n / 2);
    this.#mirror = n % 2 === 0 ? 0 : 1;
    this.#scale = 0.5 / dx;
    this.#dt = dt;
    const { harmonics } = flux;
    const order = harmonics
      .map((h, index) => ({ ...h, index }))
      .sort((a, b) => (a.k % 2) - (b.k % 2) || (a.l % 2) - (b.l % 2) || a.k - b.k || a.l - b.l)
      .map(({ index }) => index);
    const place = new Int32Array(order.length);
    order.forEach((index, p) => {
      place[index] = p;
    });
    this.#moments = order.map((index) => ({
      signX: harmonics[index]!.k % 2 === 0 ? 1 : -1,
      signY: (harmonics[index]!.l + harmonics[index]!.k) % 2 === 0 ? 1 : -1,
      isotropic: index === 0,
      x: rowOf(flux.x, index, place),
      z: rowOf(flux.z, index, place),
    }));
    this.#absX = blocksOf(flux.absX, order, place);
    this.#absZ = blocksOf(flux.absZ, order, place);
  }

  /** The zeroth moment after 1, ..., `steps` steps from an isotropic start. */
  *zerothMoments(start: Float64Array, sigma: number, steps: number): Generator<Float64Array> {
    const size = start.length;
    const u = new Float64Array(this.#moments.length * size);
    const central = u.slice();
    const diffusive = u.slice();
    const zeroth = this.#moments.findIndex((m) => m.isotropic) * size;
    u.set(start, zeroth);
    for (let step = 0; step < steps; step++) {
      const next = u.slice();
      this.#moments.forEach(({ isotropic }, m) => {
        if (!isotropic) for (let p = m * size; p < (m + 1) * size; p++) next[p]! -= this.#dt * sigma * u[p]!;
      });
      for (const direction of ["x", "z"] as const) {
        this.#differences(direction, u, central, diffusive);
        for (const { first, size: k, data } of direction === "x" ? this.#absX : this.#absZ) {
          const rows = [first * size, (first + k) * size] as const;
          const g = gemmShape("float64", "N", "N", k, size, k);
          backend().gemm(g, { re: this.#dt, im: 0 }, data, diffusive.subarray(...rows), 1, next.subarray(...rows));
        }
        this.#moments.forEach((moment, m) => {
          for (const [column, value] of moment[direction]) {
            const c = -this.#dt * value;
            for (let p = 0, to = m * size, from = column * size; p < size; p++) next[to + p]! += c * central[from + p]!;
          }
        });
      }
      u.set(next);
      yield u.slice(zeroth, zeroth + size);
    }
  }

  /** D u and D2 u in a direction, zero at boundary points. */
  #differences(direction: "x" | "z", u: Float64Array, central: Float64Array, diffusive: Float64Array): void {
    const half = this.#half;
    const stride = direction === "x" ? half : 1;
    const size = half * half;
    this.#moments.forEach(({ signX, signY }, m) => {
      const sign = direction === "x" ? signX : signY;
      for (let i = 0; i < half - 1; i++)
        for (let j = 0; j < half - 1; j++) {
          const p = m * size + i * half + j;
          const along = direction === "x" ? i : j;
          const before = along === 0 ? sign * u[p + this.#mirror * stride]! : u[p - stride]!;
          const after = u[p + stride]!;
          central[p] = this.#scale * (after - before);
          diffusive[p] = this.#scale * (after - 2 * u[p]! + before);
        }
    });
  }
}

/** The entries of a row, by their new places. */
const rowOf = ({ rowStart, columns, values }: SparseMatrix, row: number, place: Int32Array) =>
  Array.from(
    { length: rowStart[row + 1]! - rowStart[row]! },
    (_, s) => [place[columns[rowStart[row]! + s]!]!, values[rowStart[row]! + s]!] as const,
  );

/** The diagonal blocks of a matrix with its rows and columns in this order. */
function blocksOf(a: SparseMatrix, order: readonly number[], place: Int32Array): Block[] {
  const rows = order.map((index) => rowOf(a, index, place));
  const blocks: Block[] = [];
  let first = 0;
  let last = 0;
  rows.forEach((row, p) => {
    for (const [column] of row) last = Math.max(last, column);
    if (p < last) return;
    const size = p + 1 - first;
    const data = new Float64Array(size * size);
    for (let r = first; r <= p; r++)
      for (const [column, value] of rows[r]!) data[(r - first) * size + column - first] = value;
    blocks.push({ first, size, data });
    first = p + 1;
    last = first;
  });
  return blocks;
}

import { matmul } from "../../linalg/contract.ts";
import { conj } from "../../linalg/level1.ts";
import { diagonal } from "../../linalg/matrix.ts";
import { asDtype, fromFunction } from "../../linalg/tensor.ts";
import { inner } from "../../ttn/arithmetic.ts";
import { productState } from "../../ttn/construct.ts";
import { type LinearRhs, schroedinger } from "../../ttn/operators/linear-rhs.ts";
import { type ProductTerm, productSum } from "../../ttn/operators/product-sum.ts";
import { applyOperator, type TTNO } from "../../ttn/operators/ttno.ts";
import type { Problem } from "../../ttn/problem.ts";
import { balanced, type Tree } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { allCounts, allNumbers } from "../matrix/checks.ts";
import { withRoom } from "../matrix/room.ts";
import { energy, stateNorm } from "../quantum/observables.ts";
import { fourierDerivative, periodicGrid } from "./fourier.ts";

export interface HenonHeilesOptions {
  /** One mode for each coordinate, two or more. Default `balanced(2)`. */
  readonly tree?: Tree;
  /** Points a direction, odd: as many Fourier modes. Default 31. */
  readonly n?: number;
  /** The box is [-box, box]^d. Default 10. */
  readonly box?: number;
  /** lambda. Default 0.111803. */
  readonly lambda?: number;
  /** Centre of the wave packet in every direction. Default 2. */
  readonly centre?: number;
  /** Give the start room for where H moves it, with amplitude zero. Default true. */
  readonly room?: boolean;
  /** End of the span; the autocorrelation is known until 2 T. Default 30. */
  readonly T?: number;
}

/** What `henonHeiles` returns. */
export interface HenonHeilesProblem extends Problem {
  readonly rhs: LinearRhs;
  /** H, real. */
  readonly hamiltonian: TTNO;
}

/**
 * A wave packet in the Henon-Heiles potential, psi' = -i H psi with
 *
 *     H = sum_k ( -d_k^2 / 2 + q_k^2 / 2 ) + lambda sum_{k < d} ( q_k^2 q_{k+1} - q_{k+1}^3 / 3 ),
 *
 * from psi(0) = pi^(-d/4) exp(-|q - c|^2 / 2), c the same in every direction, norm one. Fourier modes in a periodic box: the state
 * holds psi on n^d points times (2 box / n)^(d/2), derivatives are those of trigonometric interpolation. The packet is bound
 * below the saddles at energy 1 / (6 lambda^2) a pair.
 *
 * Observables: `autocorrelation` at time 2 t (real and imaginary part): psi(0) and H are real, so that
 * <psi(0), psi(2 t)> = <conj psi(t), psi(t)>; its `spectrum` has its lines at the eigenvalues of H. `energy` and `norm`, which
 * are kept. Throws a RangeError for numbers that make no sense. [ceruti2023rank; sulz2024numerical]
 */
export function henonHeiles(options: HenonHeilesOptions = {}): HenonHeilesProblem {
  const { tree = balanced(2), n = 31, box = 10, lambda = 0.111803, centre = 2, room = true, T = 30 } = options;
  const d = tree.order;
  allCounts("henonHeiles", { dimensions: d }, 2);
  allCounts("henonHeiles", { n }, 3);
  allNumbers("henonHeiles", { lambda, centre, T });
  if (n % 2 === 0) throw new RangeError(`henonHeiles: n is ${n}, expected an odd number of points`);
  if (!(box > Math.abs(centre) && box < Number.POSITIVE_INFINITY))
    throw new RangeError(`henonHeiles: box is ${box}, expected more than the centre of the packet, ${centre}`);

  const q = periodicGrid(n, -box * (1 - 1 / n), 2 * box);
  const derivative = fourierDerivative(n, 2 * box);
  const squared = matmul(derivative, derivative);
  const power = (p: number, factor = 1) => diagonal(q.map((at) => factor * at ** p));
  /** Kinetic energy and all of the potential that depends on one coordinate. */
  const alone = (cubic: number) => {
    const potential = q.map((at) => at ** 2 / 2 + cubic * at ** 3);
    return fromFunction([n, n], (i, j) => -squared.data[i! * n + j!]! / 2 + (i === j ? potential[i!]! : 0));
  };
  const [first, others] = [alone(0), alone(-lambda / 3)];
  const [position, square] = [power(1), power(2)];
  const terms: ProductTerm[] = Array.from({ length: d }, (_, mode) => ({
    coefficient: 1,
    factors: [{ mode, operator: mode === 0 ? first : others }],
  }));
  for (let k = 0; k + 1 < d; k++)
    terms.push({
      coefficient: lambda,
      factors: [
        { mode: k, operator: square },
        { mode: k + 1, operator: position },
      ],
    });
  const hamiltonian = productSum(
    tree,
    Array.from({ length: d }, () => n),
    terms,
  );
  const packet = asDtype(
    fromFunction([n], (i) => Math.sqrt((2 * box) / n) * Math.PI ** -0.25 * Math.exp(-((q[i!]! - centre) ** 2) / 2)),
    "complex128",
  );
  const start = productState(
    tree,
    Array.from({ length: d }, () => packet),
  );
  const rhs = schroedinger(hamiltonian);
  return {
    name: "Henon-Heiles potential",
    rhs,
    hamiltonian,
    initial: room ? withRoom(start, applyOperator(hamiltonian, start)) : start,
    span: [0, T],
    observables: {
      autocorrelation(y) {
        const { re, im } = inner(conjugate(y), y);
        return Float64Array.of(re, im);
      },
      energy: energy(rhs),
      norm: stateNorm,
    },
  };
}

const conjugate = (y: TTN): TTN => ({ ...y, tensors: y.tensors.map(conj) });

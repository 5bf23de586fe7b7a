import { matmul } from "../../linalg/contract.ts";
import { eigh } from "../../linalg/factor.ts";
import { type Complex, entry, reshape } from "../../linalg/tensor.ts";
import { toDense } from "../../ttn/arithmetic.ts";
import { denseOperator, type TTNO } from "../../ttn/operators/ttno.ts";
import type { TTN } from "../../ttn/ttn.ts";

/** A sampled complex function of time, from t = 0. */
export interface Samples {
  /** Ascending, first 0. */
  readonly times: ArrayLike<number>;
  readonly re: ArrayLike<number>;
  readonly im: ArrayLike<number>;
}

/**
 * The spectrum of an autocorrelation C(t) = <psi(0), psi(t)>, as a function of the energy,
 *
 *     I(E) = 1/pi Re int_0^T C(t) e^{iEt} cos^2(pi t / 2 T) dt,
 *
 * by the trapezoidal rule; T the last time. A state of energy E_n with share |c_n|^2 makes a line of that area at E_n, about
 * 2 pi / T wide, because of the window almost without side lobes. Energies are resolved up to pi / (time between samples).
 * Cost O(times x energies). Throws a RangeError for fewer than two samples, or when they are not as many as the times.
 */
export function spectrum({ times, re, im }: Samples, energies: ArrayLike<number>): Float64Array {
  const count = times.length;
  if (count < 2 || re.length !== count || im.length !== count)
    throw new RangeError(
      `spectrum: ${count} times with ${re.length} real and ${im.length} imaginary parts, expected two or more of each`,
    );
  const T = times[count - 1]!;
  return Float64Array.from(energies, (energy) => {
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const t = times[k]!;
      const width = (times[Math.min(k + 1, count - 1)]! - times[Math.max(k - 1, 0)]!) / 2;
      const window = Math.cos((Math.PI * t) / (2 * T)) ** 2;
      sum += width * window * (re[k]! * Math.cos(energy * t) - im[k]! * Math.sin(energy * t));
    }
    return sum / Math.PI;
  });
}

/** Lines of a spectrum: energies, ascending, and the share of the state in each. */
export interface Lines {
  readonly energies: Float64Array;
  readonly shares: Float64Array;
}

/**
 * Eigenvalues E_n of a real Hamiltonian and the shares |<n, psi>|^2 of a state, from the full matrix: the reference for small
 * systems. <psi, exp(-iHt) psi> is then `autocorrelation(lines, t)`. Cost O(N^3) for N entries of the full tensor. Throws a RangeError for
 * N above 2048, and a TypeError for a complex Hamiltonian.
 */
export function linesOf(hamiltonian: TTNO, psi: TTN): Lines {
  const n = hamiltonian.modeSizes.reduce((p, size) => p * size, 1);
  if (n > 2048) throw new RangeError(`linesOf: the full tensor has ${n} entries, expected at most 2048`);
  const full = denseOperator(hamiltonian);
  if (full.dtype !== "float64") throw new TypeError("linesOf: the Hamiltonian is complex128, expected float64");
  const { values, vectors } = eigh(full);
  const inEigenstates = matmul(vectors, reshape(toDense(psi), [n, 1]), "T");
  const shares = Float64Array.from({ length: n }, (_, k) => {
    const { re, im } = entry(inEigenstates, k, 0);
    return re * re + im * im;
  });
  return { energies: Float64Array.from(values), shares };
}

/** <psi(0), psi(t)> = sum_n share_n exp(-i E_n t). */
export function autocorrelation({ energies, shares }: Lines, t: number): Complex {
  let [re, im] = [0, 0];
  energies.forEach((energy, n) => {
    re += shares[n]! * Math.cos(energy * t);
    im -= shares[n]! * Math.sin(energy * t);
  });
  return { re, im };
}

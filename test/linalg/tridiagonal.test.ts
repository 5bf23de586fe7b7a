import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NonFiniteError } from "../../src/linalg/errors.ts";
import { tridiagonalEigen } from "../../src/linalg/tridiagonal.ts";
import { eps, runs, Worst } from "../ttn/dense.ts";

/** Largest residual |T z - lambda z| and |Z^T Z - 1| in units of m eps |T| and m eps. */
function ratios(d: readonly number[], e: readonly number[]): { residual: number; orthogonality: number; size: number } {
  const m = d.length;
  const { values, vectors } = tridiagonalEigen(d, e);
  const size = Math.max(0, ...d.map((v, i) => Math.abs(v) + Math.abs(e[i - 1] ?? 0) + Math.abs(i < m - 1 ? e[i]! : 0)));
  let residual = 0;
  let orthogonality = 0;
  const at = (i: number, k: number): number => (i < 0 || i >= m ? 0 : vectors[i * m + k]!);
  for (let k = 0; k < m; k++) {
    for (let i = 0; i < m; i++) {
      const image = d[i]! * at(i, k) + (i > 0 ? e[i - 1]! * at(i - 1, k) : 0) + (i < m - 1 ? e[i]! * at(i + 1, k) : 0);
      residual = Math.max(residual, Math.abs(image - values[k]! * at(i, k)));
    }
    for (let l = 0; l < m; l++) {
      let dot = 0;
      for (let i = 0; i < m; i++) dot += at(i, k) * at(i, l);
      orthogonality = Math.max(orthogonality, Math.abs(dot - (k === l ? 1 : 0)));
    }
  }
  return { residual: residual / (size || 1) / (m * eps), orthogonality: orthogonality / (m * eps), size };
}

describe("eigenvalues of a symmetric tridiagonal matrix", () => {
  test("residual and orthogonality are round-off for random entries of any scale (ratios below 30)", () => {
    const [residual, orthogonality] = [new Worst(), new Worst()];
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ d: fc.double({ min: -1, max: 1, noNaN: true }), e: fc.double({ min: -1, max: 1, noNaN: true }) }),
          { minLength: 1, maxLength: 40 },
        ),
        fc.integer({ min: -100, max: 100 }),
        (entries, exponent) => {
          const scale = 2 ** exponent;
          for (const v of entries) for (const k of ["d", "e"] as const) if (Math.abs(v[k]) < 1e-200) v[k] = 0; // no denormal numbers
          const seen = ratios(
            entries.map((v) => v.d * scale),
            entries.slice(1).map((v) => v.e * scale),
          );
          expect(residual.of(seen.residual)).toBeLessThan(30);
          expect(orthogonality.of(seen.orthogonality)).toBeLessThan(30);
        },
      ),
      { numRuns: runs(300) },
    );
    console.info(
      `tridiagonal: residual ratio ${residual.value.toFixed(2)}, orthogonality ratio ${orthogonality.value.toFixed(2)}`,
    );
  });

  test("the discrete Laplacian has the eigenvalues 2 - 2 cos(k pi / (m + 1))", () => {
    for (const m of [1, 2, 5, 30]) {
      const { values } = tridiagonalEigen(Array<number>(m).fill(2), Array<number>(m - 1).fill(-1));
      const sorted = [...values].sort((a, b) => a - b);
      sorted.forEach((v, k) => {
        expect(Math.abs(v - (2 - 2 * Math.cos(((k + 1) * Math.PI) / (m + 1))))).toBeLessThanOrEqual(4 * m * eps);
      });
    }
  });

  test("graded, split, constant and zero matrices converge too", () => {
    const graded = Array.from({ length: 20 }, (_, k) => 10 ** -k);
    for (const [d, e] of [
      [graded, graded.slice(1)],
      [graded.toReversed(), graded.toReversed().slice(1)],
      [
        [1, 1, 1, 1],
        [0, 0, 0],
      ],
      [
        [1, 2, 3, 4],
        [1, 0, 1],
      ],
      [
        [0, 0, 0],
        [0, 0],
      ],
      [
        [0, 0, 0, 0],
        [1, 1, 1],
      ],
      [[1, 1], [1e-300]],
      [[1e-200, 1], [1e-200]],
    ] as [number[], number[]][]) {
      const { residual, orthogonality } = ratios(d, e);
      expect(residual).toBeLessThan(30);
      expect(orthogonality).toBeLessThan(30);
    }
  });

  test("an off-diagonal longer than needed is read up to the size", () => {
    expect(tridiagonalEigen([1, 2], [0, 99]).values).toEqual(Float64Array.of(1, 2));
    expect(tridiagonalEigen([3], [7])).toEqual({ values: Float64Array.of(3), vectors: Float64Array.of(1) });
    expect(tridiagonalEigen([], [])).toEqual({ values: new Float64Array(0), vectors: new Float64Array(0) });
  });

  test("NaN and infinity are refused at once", () => {
    for (const [d, e] of [
      [
        [1, Number.NaN, 2],
        [1, 1],
      ],
      [
        [1, 2, 3],
        [Number.NaN, 1],
      ],
      [
        [1, 2, 3],
        [1, Number.POSITIVE_INFINITY],
      ],
    ] as const)
      expect(() => tridiagonalEigen(d, e)).toThrow(NonFiniteError);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../src/linalg/current.ts";
import { eigh, singularValues, svd } from "../../src/linalg/factor.ts";
import { type Tensor, tensor, width } from "../../src/linalg/tensor.ts";
import table from "../data/singular-values.json" with { type: "json" };
import {
  affordable,
  eps,
  everywhere,
  minus,
  norm1,
  orthogonalityError,
  product,
  randomMatrix,
  scaleColumns,
  sizes,
  timesPowerOfTwo,
  unitExponent,
  worst,
  zoo,
} from "./zoo.ts";

/** The conjugate transpose. */
function adjoint(a: Tensor): Tensor {
  const m = a.shape[0]!;
  const one = tensor([m, m], a.dtype);
  for (let i = 0; i < m; i++) one.data[width(a.dtype) * i * (m + 1)] = 1;
  return product(a, one, true);
}

describe.each(everywhere)("SVD on $name, $dtype", ({ name, dtype }) => {
  const seen = worst();
  beforeAll(() => void useBackend(name));
  afterAll(() => seen.report(`SVD ${name} ${dtype}`));

  test.each(Object.keys(zoo))("%s: A = U S V* with orthonormal U and V and sorted values", (kind) => {
    for (const [m, n] of sizes) {
      if (!affordable(name, kind, m, n)) continue;
      const where = `${kind} ${m}x${n}`;
      const a = zoo[kind]!(m, n, dtype);
      const { u, s, vh } = svd(a);
      const e = unitExponent(a);
      const unit = timesPowerOfTwo(a, e);
      const values = s.map((x) => x * 2 ** Math.trunc(e / 2) * 2 ** (e - Math.trunc(e / 2)));
      const size = Math.max(1, m, n);
      const rounding = n * 2 ** (e / 2 - 537) * 2 ** (e / 2 - 537);
      const error = norm1(minus(product(scaleColumns(u, values), vh), unit));
      const scale = size * norm1(unit) * eps + rounding;
      expect(seen.note("residual", scale === 0 ? error : error / scale, where), where).toBeLessThan(50);
      expect(seen.note("U", orthogonalityError(u) / (size * eps), where), where).toBeLessThan(50);
      expect(seen.note("V", orthogonalityError(adjoint(vh)) / (size * eps), where), where).toBeLessThan(50);
      for (let i = 0; i < s.length; i++) expect(s[i]).toBeGreaterThanOrEqual(s[i + 1] ?? 0);
      const alone = singularValues(a);
      expect(alone.length).toBe(s.length);
      const bound = 10 * eps * (s[0] ?? 0) + 2 ** -1073;
      for (let i = 0; i < s.length; i++) expect(Math.abs(alone[i]! - s[i]!), where).toBeLessThanOrEqual(bound);
    }
  });

  test.each(table.filter((c) => c.im === null || dtype === "complex128"))(
    "$kind ($shape): the values agree with 50 digits",
    (c) => {
      const a = tensor(c.shape, dtype);
      const w = width(dtype);
      for (let i = 0; i < c.re.length; i++) {
        a.data[w * i] = c.re[i]!;
        if (w === 2) a.data[w * i + 1] = c.im?.[i] ?? 0;
      }
      const n = Math.max(...c.shape);
      for (const s of [svd(a).s, singularValues(a)])
        for (const [i, exact] of c.digits.entries()) {
          const error = Math.abs(s[i]! - exact);
          expect(error).toBeLessThanOrEqual(30 * n * eps * c.digits[0]!);
          // Relative accuracy for every value is the promise of one-sided Jacobi: wasm, and the reference's complex loops.
          // LAPACK's divide and conquer and ml-matrix's Golub-Kahan (the real reference) promise eps sigma_1 only.
          if (c.graded && (name === "wasm" || (name === "reference" && dtype === "complex128"))) {
            const relative = error / exact / (1e3 * n * eps);
            expect(seen.note("relative accuracy on graded columns / 1e3 n eps", relative, c.kind)).toBeLessThan(1);
          }
        }
    },
  );

  test("a Hermitian matrix is diagonalised, eigenvalues ascending; only the lower triangle is read", () => {
    const w = width(dtype);
    for (const n of [0, 1, 2, 3, 16, 64]) {
      for (const kind of ["random", "zero", "identity", "tiny 1e-300", "huge 1e300", "rank k/2"]) {
        const a = zoo[kind]!(n, n, dtype);
        for (let i = 0; i < n; i++)
          for (let j = 0; j <= i; j++)
            if (w === 2) {
              if (i === j) a.data[2 * i * (n + 1) + 1] = 0;
              a.data[2 * (j * n + i)] = a.data[2 * (i * n + j)]!;
              a.data[2 * (j * n + i) + 1] = i === j ? 0 : -a.data[2 * (i * n + j) + 1]!;
            } else a.data[j * n + i] = a.data[i * n + j]!;
        const dirty = tensor([n, n], dtype, a.data.slice());
        for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) dirty.data[w * (i * n + j)]! *= 2;
        const { values, vectors } = eigh(dirty);
        const e = unitExponent(a);
        const unit = timesPowerOfTwo(a, e);
        const scaledValues = values.map((x) => x * 2 ** Math.trunc(e / 2) * 2 ** (e - Math.trunc(e / 2)));
        const error = norm1(minus(product(unit, vectors), scaleColumns(vectors, scaledValues)));
        const scale = Math.max(1, n) * eps * norm1(unit);
        const where = `${kind} ${n}x${n}`;
        expect(seen.note("eigh residual", scale === 0 ? error : error / scale, where), where).toBeLessThan(20);
        expect(
          seen.note("eigh orthogonality", orthogonalityError(vectors) / (Math.max(1, n) * eps), where),
          where,
        ).toBeLessThan(20);
        for (let i = 1; i < n; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]!);
      }
    }
  });

  test("the adjoint has the same values, and 2^k scales them exactly", () => {
    const a = randomMatrix(12, 9, dtype, 31);
    const s = singularValues(a);
    for (const k of [-900, -7, 900]) {
      const t = singularValues(timesPowerOfTwo(a, k));
      expect(t).toEqual(s.map((x) => x * 2 ** k));
    }
    const transposed = singularValues(adjoint(a));
    for (let i = 0; i < 9; i++) expect(Math.abs(transposed[i]! - s[i]!)).toBeLessThanOrEqual(12 * 10 * eps * s[0]!);
  });
});

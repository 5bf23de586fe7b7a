import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { permute } from "../../src/linalg/contract.ts";
import { useBackend } from "../../src/linalg/current.ts";
import { qr, triangular, triangularOfTranspose } from "../../src/linalg/factor.ts";
import { asDtype, type Tensor, width } from "../../src/linalg/tensor.ts";
import {
  affordable,
  backends,
  eps,
  everywhere,
  minus,
  norm1,
  orthogonalityError,
  product,
  randomMatrix,
  sizes,
  timesPowerOfTwo,
  unitExponent,
  worst,
  zoo,
} from "./zoo.ts";

/** The two ratios of LAPACK's dqrt01, taken after a scaling by a power of two that keeps the norms in range. */
function ratios(a: Tensor, q: Tensor, r: Tensor): { residual: number; orthogonality: number } {
  const [m, n] = a.shape as [number, number];
  const e = unitExponent(a);
  const error = norm1(minus(product(q, timesPowerOfTwo(r, e)), timesPowerOfTwo(a, e)));
  // A denormal entry of R is rounded to a multiple of 2^-1074, whatever the algorithm.
  const rounding = n * 2 ** (e / 2 - 537) * 2 ** (e / 2 - 537);
  const scale = Math.max(1, m) * norm1(timesPowerOfTwo(a, e)) * eps + rounding;
  return {
    residual: scale === 0 ? error : error / scale,
    orthogonality: orthogonalityError(q) / (Math.max(1, m) * eps),
  };
}

describe.each(everywhere)("QR on $name, $dtype", ({ name, dtype }) => {
  const seen = worst();
  const w = width(dtype);
  beforeAll(() => void useBackend(name));
  afterAll(() => seen.report(`QR ${name} ${dtype}`));

  test.each(Object.keys(zoo))("%s: A = QR with orthonormal Q and a real non-negative diagonal", (kind) => {
    for (const [m, n] of sizes) {
      if (!affordable(name, kind, m, n)) continue;
      const a = zoo[kind]!(m, n, dtype);
      const before = a.data.slice();
      const { q, r } = qr(a);
      const where = `${kind} ${m}x${n}`;
      const { residual, orthogonality } = ratios(a, q, r);
      expect(seen.note("residual", residual, where), where).toBeLessThan(30);
      expect(seen.note("orthogonality", orthogonality, where), where).toBeLessThan(30);
      expect(a.data, "the input is kept").toEqual(before);
      for (let i = 0; i < r.shape[0]!; i++)
        for (let j = 0; j <= i; j++) {
          const p = w * (i * n + j);
          if (j < i) expect(Math.abs(r.data[p]!) + (w === 2 ? Math.abs(r.data[p + 1]!) : 0)).toBe(0);
          else {
            expect(r.data[p]).toBeGreaterThanOrEqual(0);
            if (w === 2) expect(Math.abs(r.data[p + 1]!)).toBe(0);
          }
        }
    }
  });

  test("the triangle alone is the triangle of the full factorisation", () => {
    for (const [m, n] of sizes) {
      const a = randomMatrix(m, n, dtype, 21);
      const difference = norm1(minus(triangular(a), qr(a).r));
      expect(difference).toBeLessThanOrEqual(10 * Math.max(1, m) * eps * norm1(a));
    }
  });

  test.each([-900, -333, -1, 1, 64, 900])("a factor 2^%i changes no bit of Q and scales R exactly", (k) => {
    for (const [m, n] of [
      [2, 3],
      [10, 16],
      [64, 64],
      [300, 8],
    ] as const) {
      const a = randomMatrix(m, n, dtype, 22);
      const one = qr(a);
      const other = qr(timesPowerOfTwo(a, k));
      expect(other.q.data).toEqual(one.q.data);
      expect(other.r.data).toEqual(timesPowerOfTwo(one.r, k).data);
    }
  });
});

describe.each(everywhere)("R of a transpose on $name, $dtype", ({ name, dtype }) => {
  beforeAll(() => void useBackend(name));

  test("is the R of the matrix turned by hand", () => {
    for (const [m, n] of [
      [1, 1],
      [3, 8],
      [16, 16],
      [24, 5],
      [0, 3],
    ] as const) {
      const a = randomMatrix(m, n, dtype, 31);
      const expected = triangular(permute(a, [1, 0]));
      const r = triangularOfTranspose(a);
      expect(r.shape).toEqual(expected.shape);
      expect(norm1(minus(r, expected))).toBeLessThanOrEqual(30 * Math.max(m, n) * 2 ** -52 * norm1(expected));
    }
  });
});

describe.each(backends)("QR on %s", (name) => {
  beforeAll(() => void useBackend(name));

  test("a real matrix run as complex has the real factors, imaginary parts exactly zero", () => {
    for (const [m, n] of [
      [1, 1],
      [7, 1],
      [10, 16],
      [64, 64],
      [400, 8],
    ] as const) {
      const a = randomMatrix(m, n, "float64", 23);
      const real = qr(a);
      const full = qr(asDtype(a, "complex128"));
      for (const key of ["q", "r"] as const) {
        const x = real[key].data;
        const y = full[key].data;
        for (let i = 0; i < x.length; i++) expect(Math.abs(y[2 * i + 1]!)).toBe(0);
        const size = key === "r" ? norm1(a) : 1;
        const bound = 4 * Math.max(m, n) * eps * size;
        let difference = 0;
        for (let i = 0; i < x.length; i++) difference = Math.max(difference, Math.abs(x[i]! - y[2 * i]!));
        expect(difference, `${key} ${m}x${n}`).toBeLessThanOrEqual(bound);
      }
    }
  });
});

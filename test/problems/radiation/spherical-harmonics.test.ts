import { describe, expect, test } from "vitest";
import { fromFunction, identity, type Tensor } from "../../../src/index.ts";
import { combine, matmul, scaleColumns } from "../../../src/linalg/contract.ts";
import { eigh, singularValues } from "../../../src/linalg/factor.ts";
import type { SparseMatrix } from "../../../src/linalg/matrix.ts";
import { denseOf } from "../../../src/linalg/matrix-product.ts";
import { harmonicFlux } from "../../../src/problems/index.ts";
import { largestDifference } from "../../ttn/dense.ts";

/** Normalised P_l^k(mu) cos(k phi) by the stable recurrence in the degree; even in Omega_y, without the sign (-1)^k. */
function harmonicsAt(degree: number, mu: number, phi: number): number[] {
  const sine = Math.sqrt(1 - mu * mu);
  const values: number[] = [];
  let sectoral = Math.sqrt(1 / (4 * Math.PI));
  for (let k = 0; k <= degree; k++) {
    if (k > 0) sectoral *= sine * Math.sqrt((2 * k + 1) / (2 * k));
    let [before, here] = [0, sectoral];
    for (let l = k; l <= degree; l++) {
      values[(l * (l + 1)) / 2 + k] = (k === 0 ? 1 : Math.SQRT2) * here * Math.cos(k * phi);
      const a = Math.sqrt((4 * (l + 1) ** 2 - 1) / ((l + 1) ** 2 - k * k));
      const b = Math.sqrt(((2 * l + 3) * (l * l - k * k)) / ((2 * l - 1) * ((l + 1) ** 2 - k * k)));
      [before, here] = [here, a * mu * here - (l === k ? 0 : b) * before];
    }
  }
  return values;
}

/** The sphere by Gauss nodes in Omega_z and equidistant angles: exact up to degree 2 degree + 1. */
function sphere(degree: number) {
  const n = degree + 2;
  const jacobi = fromFunction([n, n], (i, j) => {
    const k = Math.max(i!, j!);
    return Math.abs(i! - j!) === 1 ? k / Math.sqrt(4 * k * k - 1) : 0;
  });
  const { values, vectors } = eigh(jacobi);
  return Array.from(values, (mu, q) =>
    Array.from({ length: 2 * n }, (_, p) => ({
      mu,
      phi: (Math.PI * (p + 0.5)) / n,
      weight: (2 * vectors.data[q]! ** 2 * Math.PI) / n,
    })),
  ).flat();
}

/** The matrix of <Y_i, f Y_j>. */
function quadratureOf(degree: number, f: (mu: number, phi: number) => number): Tensor {
  const points = sphere(degree);
  const rows = points.map(({ mu, phi }) => harmonicsAt(degree, mu, phi));
  const size = rows[0]!.length;
  const y = fromFunction([size, points.length], (i, p) => rows[p!]![i!]!);
  const weights = points.map(({ mu, phi, weight }) => weight * f(mu, phi));
  return matmul(scaleColumns(y, weights), y, "N", "T");
}

const square = (a: SparseMatrix): Tensor => matmul(denseOf(a), denseOf(a));

describe("flux matrices in spherical harmonics", () => {
  test.each([1, 5, 31])("are those of quadrature over the sphere, degree %d", (degree) => {
    const { harmonics, x, z } = harmonicFlux(degree);
    expect(harmonics).toHaveLength(((degree + 1) * (degree + 2)) / 2);
    expect(
      largestDifference(
        quadratureOf(degree, () => 1),
        identity(harmonics.length),
      ),
    ).toBeLessThan(1e-13);
    const inX = quadratureOf(degree, (mu, phi) => Math.sqrt(1 - mu * mu) * Math.cos(phi));
    expect(largestDifference(denseOf(x), inX)).toBeLessThan(1e-13);
    expect(
      largestDifference(
        denseOf(z),
        quadratureOf(degree, (mu) => mu),
      ),
    ).toBeLessThan(1e-13);
  });

  test.each([1, 2, 5, 12])("have absolute values that are positive square roots, degree %d", (degree) => {
    const { x, z, absX, absZ } = harmonicFlux(degree);
    for (const [a, abs] of [
      [x, absX],
      [z, absZ],
    ] as const) {
      expect(largestDifference(square(abs), square(a))).toBeLessThan(1e-13);
      expect(eigh(denseOf(abs)).values[0]).toBeGreaterThan(-1e-14);
      expect(largestDifference(denseOf(abs), matmul(denseOf(abs), identity(abs.shape[0]), "T"))).toBe(0);
    }
  });

  test("have the bounds that the step size rests on", () => {
    for (const degree of [1, 4, 11]) {
      const { absX, absZ } = harmonicFlux(degree);
      const sum = combine([
        [1, denseOf(absX)],
        [1, denseOf(absZ)],
      ]);
      expect(eigh(denseOf(absX)).values.at(-1)).toBeLessThan(1);
      expect(eigh(sum).values.at(-1)).toBeLessThan(Math.SQRT2);
    }
  });

  test("make Euler steps contractions up to the bound of the step size, and not far beyond", () => {
    const { harmonics, x, z, absX, absZ } = harmonicFlux(9);
    const scattering = 0.4; // dx sigma_s
    const decay = fromFunction([harmonics.length, harmonics.length], (i, j) => (i === j && i! > 0 ? scattering : 0));
    /** |1 + cfl S| for the symbol S of upwind differences at these wave numbers. */
    const growth = (cfl: number, a: number, b: number): number =>
      singularValues(
        combine([
          [1, identity(harmonics.length)],
          [{ re: 0, im: -cfl * Math.sin(a) }, denseOf(x)],
          [{ re: 0, im: -cfl * Math.sin(b) }, denseOf(z)],
          [-cfl * (1 - Math.cos(a)), denseOf(absX)],
          [-cfl * (1 - Math.cos(b)), denseOf(absZ)],
          [-cfl, decay],
        ]),
      )[0]!;
    const bound = 1 / (Math.SQRT2 + scattering / 2);
    const waves = [0.1, 0.7, 1.5, 2.4, 3, Math.PI];
    for (const a of waves) for (const b of waves) expect(growth(bound, a, b)).toBeLessThan(1 + 1e-13);
    expect(growth(1.1 * bound, Math.PI, Math.PI)).toBeGreaterThan(1.01);
  });

  test("hold the blocks of the parities only", () => {
    const { harmonics, absX, absZ } = harmonicFlux(31);
    const count = (same: (i: number, j: number) => boolean): number =>
      harmonics.reduce((sum, _, i) => sum + harmonics.filter((_h, j) => same(i, j)).length, 0);
    const parity = (i: number, j: number, of: "l" | "k"): boolean => (harmonics[i]![of] - harmonics[j]![of]) % 2 === 0;
    expect(absX.columns.length).toBeLessThanOrEqual(count((i, j) => parity(i, j, "l") && parity(i, j, "k")));
    expect(absZ.columns.length).toBeLessThanOrEqual(
      count((i, j) => parity(i, j, "l") && harmonics[i]!.k === harmonics[j]!.k),
    );
  });

  test.each([0, -1, 1.5, Number.NaN])("degree %d is refused", (degree) => {
    expect(() => harmonicFlux(degree)).toThrow(`harmonicFlux: degree is ${degree}, expected an integer of at least 1`);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expm } from "../../src/linalg/expm.ts";
import { qr } from "../../src/linalg/factor.ts";
import { expAction, type KrylovOperator, type KrylovOptions } from "../../src/linalg/krylov.ts";
import { norm } from "../../src/linalg/level1.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { asDtype, type Complex, copy, fromFunction, reshape, type Tensor, tensor } from "../../src/linalg/tensor.ts";
import { addTo, distance, eps, product, runs, transpose, Worst } from "../ttn/dense.ts";

const options: KrylovOptions = { tolerance: 1e-12, maxDimension: 40, maxApplications: 2000 };

/** An operator from a matrix, with its applications counted. */
function operatorOf(a: Tensor, hermitianUpTo?: Complex): KrylovOperator & { count: () => number } {
  let count = 0;
  return {
    count: () => count,
    hermitianUpTo,
    apply(x, out) {
      count++;
      const y = product(a, reshape(x, [a.shape[0]!, 1]));
      if (out.dtype === "complex128") out.data.set(y.data);
      else for (let i = 0; i < out.data.length; i++) out.data[i] = y.data[2 * i]!;
    },
  };
}

const conjugated = (a: Tensor): Tensor => ({ ...a, data: a.data.map((v, i) => (i % 2 === 1 ? -v : v)) });
const multiple = (z: Complex, a: Tensor): Tensor => {
  const out = tensor(a.shape, "complex128");
  addTo(out, z, a);
  return out;
};

/** A random Hermitian matrix with these eigenvalues. */
function hermitian(values: readonly number[], seed: number): Tensor {
  const n = values.length;
  const { q } = qr(randomTensor(seeded(seed), [n, n], "complex128"));
  const columns = fromFunction([n, n], (i, j) => ({
    re: q.data[2 * (i * n + j)]! * values[j]!,
    im: q.data[2 * (i * n + j) + 1]! * values[j]!,
  }));
  const a = product(columns, conjugated(transpose(q)));
  const out = tensor([n, n], "complex128");
  addTo(out, 0.5, a);
  addTo(out, 0.5, conjugated(transpose(a)));
  return out;
}

const spread = (n: number, low: number, high: number): number[] =>
  Array.from({ length: n }, (_, k) => low + ((high - low) * k) / Math.max(1, n - 1));

/** exp(h A) x by the dense exponential. */
const dense = (a: Tensor, h: number, x: Tensor): Tensor =>
  reshape(product(expm(multiple({ re: h, im: 0 }, a)), reshape(asDtype(x, "complex128"), [a.shape[0]!, 1])), x.shape);

/** What round-off may do: eps for every unit of |h A|, and the decay or growth of the exponential itself. */
const floor = (a: Tensor, h: number, result: number, start: number): number =>
  1e3 * eps * (1 + Math.abs(h) * norm(a)) * Math.max(result, start);

const phases: [string, Complex][] = [
  ["-i (Schroedinger)", { re: 0, im: -1 }],
  ["-1 (imaginary time)", { re: -1, im: 0 }],
  ["e^{0.3 i}", { re: Math.cos(0.3), im: Math.sin(0.3) }],
  ["2 i, not of size one", { re: 0, im: 2 }],
];

describe.each(phases)("Lanczos for a Hermitian operator times %s", (_, phase) => {
  test("is the dense exponential to the tolerance, and the estimate bounds the error above round-off", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 30 }),
        fc.double({ min: 0.01, max: 3, noNaN: true }),
        fc.integer({ min: 2, max: 12 }),
        fc.integer(),
        (n, h, digits, seed) => {
          const a = multiple(phase, hermitian(spread(n, -2, 3), seed));
          const x = randomTensor(seeded(seed + 1), [n], "complex128");
          const start = norm(x);
          const exact = dense(a, h, x);
          const y = copy(x);
          const tolerance = 10 ** -digits;
          const result = expAction(operatorOf(a, phase), h, y, { ...options, tolerance });
          const error = distance(y, exact) / start;
          const noise = floor(a, h, norm(exact) / start, 1);
          expect(result.converged).toBe(true);
          // the estimate is of one part's defect; behind it the flow may grow by |exp(h A)|
          const growth = Math.max(1, norm(exact) / start, Math.exp(Math.abs(phase.re) * 3 * h));
          expect(error).toBeLessThanOrEqual(10 * tolerance * growth + noise);
          if (error > noise) {
            worst.of(error / result.errorEstimate);
            expect(result.errorEstimate).toBeGreaterThanOrEqual(error / 10);
          }
        },
      ),
      { numRuns: runs(200) },
    );
    console.info(`Lanczos: error up to ${worst.value.toFixed(2)} times the estimate`);
  });

  test("Arnoldi, not told, gives the same", () => {
    const a = multiple(phase, hermitian(spread(20, -2, 3), 5));
    const x = randomTensor(seeded(1), [20], "complex128");
    const [one, two] = [copy(x), copy(x)];
    expAction(operatorOf(a, phase), 0.7, one, options);
    expAction(operatorOf(a), 0.7, two, options);
    expect(distance(one, two)).toBeLessThanOrEqual(1e-11 * norm(one));
  });
});

describe("Arnoldi for any operator", () => {
  test.each(["float64", "complex128"] as const)(
    "is the dense exponential, %s, and the estimate bounds the error",
    (dtype) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 2, max: 25 }),
          fc.double({ min: -1.5, max: 1.5, noNaN: true }),
          fc.integer({ min: 2, max: 12 }),
          fc.integer(),
          (n, h, digits, seed) => {
            const random = seeded(seed);
            const raw = randomTensor(random, [n, n], dtype);
            const a = multiple({ re: 2 / Math.sqrt(n), im: 0 }, raw);
            const x = randomTensor(random, [n], dtype);
            const start = norm(x);
            const exact = dense(a, h, x);
            const y = copy(x);
            const tolerance = 10 ** -digits;
            const { converged, errorEstimate } = expAction(operatorOf(a), h, y, { ...options, tolerance });
            const error = distance(y, exact) / start;
            // a non-normal flow may amplify what is made early: bounded by exp(|h A|)
            const amplified = Math.exp(Math.min(Math.abs(h) * norm(a), 50));
            const noise = 1e3 * eps * amplified;
            expect(converged).toBe(true);
            expect(error).toBeLessThanOrEqual(10 * tolerance * amplified + noise);
            if (error > noise) expect(errorEstimate * amplified).toBeGreaterThanOrEqual(error / 10);
          },
        ),
        { numRuns: runs(200) },
      );
    },
  );

  test("without splitting, the estimate itself is within a factor ten of the error", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(
        fc.integer({ min: 12, max: 25 }),
        fc.integer({ min: 3, max: 10 }),
        fc.integer(),
        (n, digits, seed) => {
          const random = seeded(seed);
          const a = multiple({ re: 1 / Math.sqrt(n), im: 0 }, randomTensor(random, [n, n], "complex128"));
          const x = randomTensor(random, [n], "complex128");
          const y = copy(x);
          const { errorEstimate } = expAction(operatorOf(a), 1, y, { ...options, tolerance: 10 ** -digits });
          const error = distance(y, dense(a, 1, x)) / norm(x);
          if (error <= 1e-13) return;
          worst.of(error / errorEstimate);
          expect(errorEstimate).toBeGreaterThanOrEqual(error / 10);
        },
      ),
      { numRuns: runs(200) },
    );
    console.info(`Arnoldi: error up to ${worst.value.toFixed(2)} times the estimate`);
  });
});

describe("conservation", () => {
  test("a skew-Hermitian flow keeps the norm to 1e2 eps, by Lanczos and by Arnoldi, in one part and in many", () => {
    const worst = new Worst();
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.double({ min: 0.01, max: 5, noNaN: true }),
        fc.boolean(),
        fc.constantFrom(6, 40),
        fc.integer(),
        (n, h, lanczos, maxDimension, seed) => {
          const phase = { re: 0, im: -1 };
          const a = multiple(phase, hermitian(spread(n, -1, 1), seed));
          const x = randomTensor(seeded(seed), [n], "complex128");
          const before = norm(x);
          expAction(operatorOf(a, lanczos ? phase : undefined), h, x, { ...options, maxDimension });
          expect(worst.of(Math.abs(norm(x) / before - 1) / eps)).toBeLessThanOrEqual(100);
        },
      ),
      { numRuns: runs(200) },
    );
    console.info(`norm drift ${worst.value.toFixed(1)} eps`);
  });

  test("forward and back is the identity", () => {
    const phase = { re: 0, im: -1 };
    const a = multiple(phase, hermitian(spread(30, -5, 5), 3));
    const x = randomTensor(seeded(2), [30], "complex128");
    const y = copy(x);
    expAction(operatorOf(a, phase), 0.8, y, options);
    expAction(operatorOf(a, phase), -0.8, y, options);
    expect(distance(y, x)).toBeLessThanOrEqual(1e-11 * norm(x));
  });
});

describe("work and failure", () => {
  const a = multiple({ re: 0, im: -1 }, hermitian(spread(60, -50, 50), 1));
  const phase = { re: 0, im: -1 };

  test("an interval too long for one space is taken in parts, to the same result", () => {
    const x = randomTensor(seeded(1), [60], "complex128");
    const exact = dense(a, 1, x);
    for (const maxDimension of [8, 10, 20, 59]) {
      const y = copy(x);
      const operator = operatorOf(a, phase);
      const result = expAction(operator, 1, y, { tolerance: 1e-10, maxDimension, maxApplications: 5000 });
      expect(result.converged).toBe(true);
      expect(result.applications).toBe(operator.count());
      expect(result.applications).toBeGreaterThan(maxDimension);
      const error = distance(y, exact) / norm(x);
      expect(error).toBeLessThanOrEqual(1e-9);
      expect(result.errorEstimate).toBeLessThanOrEqual(1e-10 * (1 + 1e-12));
      expect(result.errorEstimate).toBeGreaterThanOrEqual((error - 1e3 * eps * 100) / 10);
    }
  });

  test("too few applications: not converged, the vector is the flow up to a part of the time, finite", () => {
    const x = randomTensor(seeded(1), [60], "complex128");
    const y = copy(x);
    const result = expAction(operatorOf(a, phase), 1, y, { tolerance: 1e-10, maxDimension: 10, maxApplications: 30 });
    expect(result.converged).toBe(false);
    expect(result.applications).toBeGreaterThan(30);
    expect(result.applications).toBeLessThanOrEqual(50);
    expect(Math.abs(norm(y) / norm(x) - 1)).toBeLessThanOrEqual(1e-12);
  });

  test("a space of dimension one and a stiff operator stalls: said, not hidden, and in bounded work", () => {
    const x = randomTensor(seeded(1), [60], "complex128");
    const operator = operatorOf(multiple({ re: 1e6, im: 0 }, a), phase);
    const result = expAction(operator, 1, copy(x), { tolerance: 1e-12, maxDimension: 1, maxApplications: 200 });
    expect(result.converged).toBe(false);
    expect(operator.count()).toBeLessThanOrEqual(202);
  });

  test("numbers that are not finite end the solve at once", () => {
    const x = randomTensor(seeded(1), [4], "complex128");
    let count = 0;
    const bad: KrylovOperator = {
      apply: (v, out) => {
        count++;
        out.data.set(v.data);
        out.data[0] = Number.NaN;
      },
    };
    for (const hermitianUpTo of [undefined, phase]) {
      count = 0;
      expect(expAction({ ...bad, hermitianUpTo }, 1, copy(x), options).converged).toBe(false);
      expect(count).toBeLessThanOrEqual(2);
    }
    const infinite = copy(x);
    infinite.data[1] = Number.POSITIVE_INFINITY;
    expect(expAction(operatorOf(a), 1, infinite, options).converged).toBe(false);
  });

  test("the zero vector and a step of zero length cost nothing", () => {
    const operator = operatorOf(a, phase);
    const zero = tensor([60], "complex128");
    expect(expAction(operator, 1, zero, options)).toEqual({ applications: 0, errorEstimate: 0, converged: true });
    const x = randomTensor(seeded(1), [60], "complex128");
    const y = copy(x);
    expect(expAction(operator, 0, y, options).applications).toBe(0);
    expect(y).toEqual(x);
    expect(operator.count()).toBe(0);
  });

  test("an invariant subspace ends the space: an eigenvector takes one application, two take two", () => {
    const values = spread(8, 1, 8);
    const diagonal = fromFunction([8, 8], (i, j) => ({ re: 0, im: i === j ? -values[i]! : 0 }));
    for (const hermitianUpTo of [phase, undefined])
      for (const count of [1, 2, 3]) {
        const x = fromFunction([8], (i) => ({ re: i < count ? 1 : 0, im: 0 }));
        const operator = operatorOf(diagonal, hermitianUpTo);
        const y = copy(x);
        const { applications, converged } = expAction(operator, 0.5, y, options);
        expect(converged).toBe(true);
        expect(applications).toBe(count);
        const exact = fromFunction([8], (i) =>
          i < count ? { re: Math.cos(0.5 * values[i]!), im: -Math.sin(0.5 * values[i]!) } : { re: 0, im: 0 },
        );
        expect(distance(y, exact)).toBeLessThanOrEqual(1e-14 * count);
      }
  });

  test("the zero operator leaves every vector; a space of full dimension is exact", () => {
    const x = randomTensor(seeded(3), [5], "complex128");
    const y = copy(x);
    expect(expAction(operatorOf(tensor([5, 5], "complex128")), 3, y, options).converged).toBe(true);
    expect(distance(y, x)).toBeLessThanOrEqual(1e-15 * norm(x));
    const small = multiple({ re: 3, im: 1 }, randomTensor(seeded(4), [3, 3], "complex128"));
    const z = randomTensor(seeded(5), [3], "complex128");
    const exact = dense(small, 1, z);
    const result = expAction(operatorOf(small), 1, z, options);
    expect(result.applications).toBe(3);
    expect(distance(z, exact)).toBeLessThanOrEqual(1e-12 * norm(exact));
  });

  test("the result does not depend on the scale of the start vector", () => {
    const x = randomTensor(seeded(1), [60], "complex128");
    const [y, z] = [copy(x), multiple({ re: 2 ** 40, im: 0 }, x)];
    const [one, two] = [y, z].map((v) => expAction(operatorOf(a, phase), 0.1, v, options));
    expect(two!.applications).toBe(one!.applications);
    expect(multiple({ re: 2 ** -40, im: 0 }, z)).toEqual(y);
  });
});

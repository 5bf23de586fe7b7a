import { openblasBackend } from "../../src/linalg/backends/openblas.ts";
import { type BackendName, backendNames } from "../../src/linalg/current.ts";
import { type Dtype, type Tensor, tensor, width } from "../../src/linalg/tensor.ts";

export const eps = Number.EPSILON;

/** The backends that can run here; one that cannot says so, so that a green run never hides it. */
export const backends: readonly BackendName[] = backendNames.filter((name) => {
  if (name !== "openblas" || openblasBackend()) return true;
  console.warn("skipped: OpenBLAS not found");
  return false;
});

export const dtypes: readonly Dtype[] = ["float64", "complex128"];

/** Every backend with every scalar type: the parameters of `describe.each`. */
export const everywhere = backends.flatMap((name) => dtypes.map((dtype) => ({ name, dtype })));

/** Uniform numbers in [-1, 1) from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
  };
}

export function randomMatrix(m: number, n: number, dtype: Dtype, seed = 1): Tensor {
  const next = random(seed);
  const t = tensor([m, n], dtype);
  for (let i = 0; i < t.data.length; i++) t.data[i] = next();
  return t;
}

/** op(a) b by plain loops, independent of every backend. */
export function product(a: Tensor, b: Tensor, adjoint = false): Tensor {
  const [rows, columns] = a.shape as [number, number];
  const [m, k] = adjoint ? [columns, rows] : [rows, columns];
  const n = b.shape[1]!;
  const w = width(a.dtype);
  const out = tensor([m, n], a.dtype);
  for (let i = 0; i < m; i++)
    for (let l = 0; l < k; l++) {
      const p = w * (adjoint ? l * columns + i : i * columns + l);
      const re = a.data[p]!;
      const im = w === 1 ? 0 : adjoint ? -a.data[p + 1]! : a.data[p + 1]!;
      if (re === 0 && im === 0) continue;
      for (let j = 0; j < n; j++) {
        const q = w * (l * n + j);
        const to = w * (i * n + j);
        if (w === 1) out.data[to]! += re * b.data[q]!;
        else {
          out.data[to]! += re * b.data[q]! - im * b.data[q + 1]!;
          out.data[to + 1]! += re * b.data[q + 1]! + im * b.data[q]!;
        }
      }
    }
  return out;
}

export const minus = (a: Tensor, b: Tensor): Tensor =>
  tensor(
    a.shape,
    a.dtype,
    a.data.map((x, i) => x - b.data[i]!),
  );

/** Largest column sum of absolute values. */
export function norm1(a: Tensor): number {
  const [m, n] = a.shape as [number, number];
  const w = width(a.dtype);
  let largest = 0;
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < m; i++) {
      const p = w * (i * n + j);
      sum += w === 1 ? Math.abs(a.data[p]!) : Math.hypot(a.data[p]!, a.data[p + 1]!);
    }
    if (!(sum <= largest)) largest = sum;
  }
  return largest;
}

/** |1 - Q* Q|_1 */
export function orthogonalityError(q: Tensor): number {
  const gram = product(q, q, true);
  const n = gram.shape[0]!;
  for (let i = 0; i < n; i++) gram.data[width(q.dtype) * i * (n + 1)]! -= 1;
  return norm1(gram);
}

/** Columns times real factors. */
export function scaleColumns(a: Tensor, factors: ArrayLike<number>): Tensor {
  const n = a.shape[1]!;
  const w = width(a.dtype);
  return tensor(
    a.shape,
    a.dtype,
    a.data.map((x, i) => x * factors[Math.floor(i / w) % n]!),
  );
}

/** 2^e a, exact also for results or inputs far outside the normal range. */
export const timesPowerOfTwo = (a: Tensor, e: number): Tensor =>
  tensor(
    a.shape,
    a.dtype,
    a.data.map((x) => x * 2 ** Math.trunc(e / 2) * 2 ** (e - Math.trunc(e / 2))),
  );

/** The exponent that brings the largest entry near 1. */
export function unitExponent(a: Tensor): number {
  const largest = a.data.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return largest === 0 ? 0 : -Math.floor(Math.log2(largest));
}

/** Columns orthonormalised by Gram-Schmidt, three times; at most as many as there are rows. */
export function orthonormal(m: number, n: number, dtype: Dtype, seed: number): Tensor {
  const q = randomMatrix(m, n, dtype, seed);
  const w = width(dtype);
  for (let pass = 0; pass < 3; pass++)
    for (let j = 0; j < n; j++) {
      for (let l = 0; l <= j; l++) {
        let re = 0;
        let im = 0;
        for (let i = 0; i < m; i++) {
          const a = w * (i * n + l);
          const b = w * (i * n + j);
          re += q.data[a]! * q.data[b]! + (w === 2 ? q.data[a + 1]! * q.data[b + 1]! : 0);
          if (w === 2) im += q.data[a]! * q.data[b + 1]! - q.data[a + 1]! * q.data[b]!;
        }
        for (let i = 0; i < m; i++) {
          const a = w * (i * n + l);
          const b = w * (i * n + j);
          if (l === j) for (let p = 0; p < w; p++) q.data[b + p]! /= Math.sqrt(re);
          else if (w === 1) q.data[b]! -= q.data[a]! * re;
          else {
            q.data[b]! -= q.data[a]! * re - q.data[a + 1]! * im;
            q.data[b + 1]! -= q.data[a]! * im + q.data[a + 1]! * re;
          }
        }
      }
    }
  return q;
}

/** Two matrices side by side. */
export function beside(a: Tensor, b: Tensor): Tensor {
  const [m, r] = a.shape as [number, number];
  const p = b.shape[1]!;
  const w = width(a.dtype);
  const out = tensor([m, r + p], a.dtype);
  for (let i = 0; i < m; i++) {
    out.data.set(a.data.subarray(w * i * r, w * (i + 1) * r), w * i * (r + p));
    out.data.set(b.data.subarray(w * i * p, w * (i + 1) * p), w * (i * (r + p) + r));
  }
  return out;
}

/** A real matrix by entries; a complex one has its columns turned by the exact-as-can-be phase (3 + 4i)/5 on odd columns. */
function byEntry(m: number, n: number, dtype: Dtype, f: (i: number, j: number) => number): Tensor {
  const t = tensor([m, n], dtype);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      const x = f(i, j);
      if (dtype === "float64") t.data[i * n + j] = x;
      else {
        t.data[2 * (i * n + j)] = j % 2 ? 0.6 * x : x;
        t.data[2 * (i * n + j) + 1] = j % 2 ? 0.8 * x : 0;
      }
    }
  return t;
}

const scaled = (a: Tensor, factor: number): Tensor =>
  tensor(
    a.shape,
    a.dtype,
    a.data.map((x) => x * factor),
  );

/** U diag(s) V* with k = min(m, n) given singular values. */
function withValues(m: number, n: number, dtype: Dtype, value: (i: number, k: number) => number): Tensor {
  const k = Math.min(m, n);
  const s = Float64Array.from({ length: k }, (_, i) => value(i, k));
  const u = scaleColumns(orthonormal(m, k, dtype, 11), s);
  const v = orthonormal(n, k, dtype, 12);
  const vt = tensor([k, n], dtype);
  const w = width(dtype);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < k; j++) for (let p = 0; p < w; p++) vt.data[w * (j * n + i) + p] = v.data[w * (i * k + j) + p]!;
  return product(u, vt);
}

/** [U0, K1] with K1 = U0 X + noise. */
function augmented(m: number, n: number, dtype: Dtype, noise: number): Tensor {
  const r = Math.min(m, Math.floor(n / 2));
  const u = orthonormal(m, r, dtype, 13);
  const k = product(u, randomMatrix(r, n - r, dtype, 14));
  const e = randomMatrix(m, n - r, dtype, 15);
  return beside(
    u,
    tensor(
      k.shape,
      dtype,
      k.data.map((x, i) => x + noise * e.data[i]!),
    ),
  );
}

/** The matrices that every factorisation has to survive, by kind. */
export const zoo: Readonly<Record<string, (m: number, n: number, dtype: Dtype) => Tensor>> = {
  random: (m, n, dtype) => randomMatrix(m, n, dtype, 10 + m + n),
  zero: (m, n, dtype) => tensor([m, n], dtype),
  identity: (m, n, dtype) => byEntry(m, n, dtype, (i, j) => (i === j ? 1 : 0)),
  "graded columns": (m, n, dtype) =>
    scaleColumns(
      randomMatrix(m, n, dtype, 3),
      Float64Array.from({ length: n }, (_, j) => 10 ** ((-16 * j) / Math.max(1, n - 1))),
    ),
  "rank k/2": (m, n, dtype) => {
    const r = Math.max(1, Math.floor(Math.min(m, n) / 2));
    return product(randomMatrix(m, r, dtype, 4), randomMatrix(r, n, dtype, 5));
  },
  "cluster with one 1e-15": (m, n, dtype) => withValues(m, n, dtype, (i, k) => (i === k - 1 ? 1e-15 : 1)),
  Kahan: (m, n, dtype) => {
    const c = 0.285;
    const s = Math.sqrt(1 - c * c);
    return byEntry(m, n, dtype, (i, j) => (j < i ? 0 : s ** i * (i === j ? 1 : -c)));
  },
  Hilbert: (m, n, dtype) => byEntry(m, n, dtype, (i, j) => 1 / (i + j + 1)),
  "huge 1e300": (m, n, dtype) => scaled(randomMatrix(m, n, dtype, 6), 1e300),
  "tiny 1e-300": (m, n, dtype) => scaled(randomMatrix(m, n, dtype, 7), 1e-300),
  "denormal 1e-310": (m, n, dtype) => scaled(randomMatrix(m, n, dtype, 8), 1e-310),
  "rows graded over 200 decades": (m, n, dtype) => {
    const a = randomMatrix(m, n, dtype, 9);
    const row = n * width(dtype);
    return tensor(
      [m, n],
      dtype,
      a.data.map((x, p) => x * 10 ** ((-200 * Math.floor(p / row)) / Math.max(1, m - 1))),
    );
  },
  "duplicated columns": (m, n, dtype) => {
    const a = randomMatrix(m, n, dtype, 16);
    const w = width(dtype);
    // Every column is a copy of the one that starts its group of three.
    const source = (p: number) => (Math.floor(p / w) % n) % 3;
    return tensor(
      [m, n],
      dtype,
      a.data.map((_, p) => a.data[p - w * source(p)]!),
    );
  },
  "[U0 K1], K1 in span(U0)": (m, n, dtype) => augmented(m, n, dtype, 0),
  "[U0 K1], K1 in span(U0) to 1e-15": (m, n, dtype) => augmented(m, n, dtype, 1e-15),
};

export const sizes: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 3],
  [3, 0],
  [1, 1],
  [1, 7],
  [7, 1],
  [2, 3],
  [10, 16],
  [64, 64],
  [400, 80],
  [1000, 8],
];

/** The loops of the reference are too slow to decompose every large matrix; some kinds still go through it. */
export const affordable = (name: BackendName, kind: string, m: number, n: number): boolean =>
  name !== "reference" || m * n < 5000 || (m * n < 10_000 && kind !== "Hilbert") || kind === "rank k/2";

/** Collects the largest ratio for each routine, and says where one passes 3 (the limits are 30 and 50). */
export function worst(): { note(what: string, ratio: number, where: string): number; report(title: string): void } {
  const found = new Map<string, { ratio: number; where: string }>();
  return {
    note(what, ratio, where) {
      if (!(ratio <= (found.get(what)?.ratio ?? -1))) found.set(what, { ratio, where });
      return ratio;
    },
    report(title) {
      for (const [what, { ratio, where }] of found)
        if (ratio > 3 || process.env["DLRA_RATIOS"])
          console.warn(`${title}: ${what} ratio ${ratio.toFixed(3)} at ${where}`);
    },
  };
}

import type { Backend, Gemm, Op } from "../backend.ts";
import { width } from "../tensor.ts";
import { plain, relaxed } from "./kernels.generated.ts";
import { type Heap, wasmHeap } from "./wasm-heap.ts";

/** The functions of kernels/index.ts; pointers are byte addresses. */
interface Kernels {
  gemm(...args: number[]): void;
  qr(w: number, m: number, n: number, a: number, q: number, r: number, scratch: number): void;
  lqScratch(w: number, n: number, m: number): number;
  svd(w: number, m: number, n: number, a: number, u: number, s: number, vh: number, scratch: number): number;
  svdScratch(w: number, m: number, n: number): number;
  peak(iterations: number): number;
}

/** The WebAssembly backend, with the measure of its own speed limit. */
export interface WasmBackend extends Backend {
  /** Runs independent multiply-adds in registers and returns the operations done: what a product could reach at best. */
  peak(iterations: number): number;
}

let memo: WasmBackend | null = null;

/** The portable backend: SIMD kernels, with fused multiply-add where the engine has relaxed SIMD. */
export function wasmBackend(): WasmBackend {
  memo ??= createWasm();
  return memo;
}

const decode = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const code: Record<Op, number> = { N: 0, T: 1, C: 2 };

/** `variant` "plain" leaves relaxed SIMD out, for machines that have to agree on the last bit. */
export function createWasm(variant: "best" | "plain" = "best"): WasmBackend {
  const fast = decode(relaxed);
  const fused = variant === "best" && WebAssembly.validate(fast);
  const module = new WebAssembly.Module(fused ? fast : decode(plain));
  const heap = wasmHeap();
  const instance = new WebAssembly.Instance(module, { env: { memory: heap.memory } });
  const kernels = instance.exports as unknown as Kernels;

  return {
    name: "wasm",
    description: `WebAssembly SIMD (128 bit), ${fused ? "relaxed fused multiply-add" : "separate multiply and add"}`,
    allocate: (length) => heap.allocate(length),
    reaches: (x) => heap.addressOf(x) >= 0,
    peak: (iterations) => kernels.peak(iterations),

    gemm: (g, alpha, a, b, beta, c) => {
      if (g.m === 0 || g.n === 0 || g.count === 0) return;
      const w = width(g.dtype);
      const atA = heap.addressOf(a);
      const atB = heap.addressOf(b);
      const atC = heap.addressOf(c);
      if (atA >= 0 && atB >= 0 && atC >= 0) return call(kernels, g, w, alpha.re, alpha.im, atA, atB, beta, atC);
      const sizeA = w * extent(g.count, g.strideA, g.opA === "N" ? g.m : g.k, g.lda, g.opA === "N" ? g.k : g.m);
      const sizeB = w * extent(g.count, g.strideB, g.opB === "N" ? g.k : g.n, g.ldb, g.opB === "N" ? g.n : g.k);
      const sizeC = w * extent(g.count, g.strideC, g.m, g.ldc, g.n);
      const stage = heap.stage(sizeA + sizeB + sizeC + 24);
      const inA = stage.input(a, sizeA, atA);
      const inB = stage.input(b, sizeB, atB);
      // Gaps between the rows of C are the caller's: they travel both ways.
      const whole = beta === 0 && g.ldc === g.n && (g.count === 1 || g.strideC === g.m * g.n);
      const inC = whole ? stage.output(sizeC, atC) : stage.input(c, sizeC, atC);
      call(kernels, g, w, alpha.re, alpha.im, inA, inB, beta, inC);
      if (atC < 0) stage.fetch(inC, sizeC, c);
    },

    qr: (dtype, m, n, a, q, r) => {
      const k = Math.min(m, n);
      if (k === 0) return;
      const w = width(dtype);
      const [sizeA, sizeQ, sizeR] = [w * m * n, w * m * k, w * k * n];
      const stage = heap.stage(2 * sizeA + sizeQ + sizeR + kernels.lqScratch(w, n, m) + 40);
      const inA = stage.input(a, sizeA, heap.addressOf(a));
      const inQ = q ? stage.output(sizeQ, heap.addressOf(q)) : 0;
      const inR = stage.output(sizeR, heap.addressOf(r));
      kernels.qr(w, m, n, inA, inQ, inR, stage.output(sizeA + kernels.lqScratch(w, n, m)));
      if (q && heap.addressOf(q) < 0) stage.fetch(inQ, sizeQ, q);
      if (heap.addressOf(r) < 0) stage.fetch(inR, sizeR, r);
    },

    svd: (dtype, m, n, a, u, s, vh) => svd(kernels, heap, width(dtype), m, n, a, u, s, vh),
    eigh: (dtype, n, a, values, v) => eigh(kernels, heap, width(dtype), n, a, values, v),
  };
}

/** Scalars from the first to the last entry of a batch of matrices. */
const extent = (count: number, stride: number, rows: number, ld: number, columns: number): number =>
  rows === 0 || columns === 0 ? 0 : (count - 1) * stride + (rows - 1) * ld + columns;

function call(
  kernels: Kernels,
  g: Gemm,
  w: number,
  re: number,
  im: number,
  a: number,
  b: number,
  beta: number,
  c: number,
) {
  const { m, n, k, lda, ldb, ldc, count, strideA, strideB, strideC } = g;
  kernels.gemm(
    w,
    code[g.opA],
    code[g.opB],
    m,
    n,
    k,
    lda,
    ldb,
    ldc,
    count,
    strideA,
    strideB,
    strideC,
    re,
    im,
    a,
    b,
    beta,
    c,
  );
}

function svd(
  kernels: Kernels,
  heap: Heap,
  w: number,
  m: number,
  n: number,
  a: Float64Array,
  u: Float64Array | null,
  s: Float64Array,
  vh: Float64Array | null,
): boolean {
  const k = Math.min(m, n);
  if (k === 0) return true;
  const [sizeU, sizeV] = [w * m * k, w * k * n];
  const scratch = kernels.svdScratch(w, m, n);
  const stage = heap.stage(w * m * n + sizeU + sizeV + k + scratch + 40);
  const inA = stage.input(a, w * m * n, heap.addressOf(a));
  const wanted = u !== null && vh !== null;
  const inU = wanted ? stage.output(sizeU, heap.addressOf(u)) : 0;
  const inV = wanted ? stage.output(sizeV, heap.addressOf(vh)) : 0;
  const inS = stage.output(k, heap.addressOf(s));
  const converged = kernels.svd(w, m, n, inA, inU, inS, inV, stage.output(scratch)) !== 0;
  if (heap.addressOf(s) < 0) stage.fetch(inS, k, s);
  if (wanted && heap.addressOf(u) < 0) stage.fetch(inU, sizeU, u);
  if (wanted && heap.addressOf(vh) < 0) stage.fetch(inV, sizeV, vh);
  return converged;
}

/**
 * Eigenvalues through the singular values of H + sigma, with sigma twice a bound of the norm: that matrix is positive
 * definite with a condition number of at most 3, so that both sides of its SVD are the eigenvectors.
 */
function eigh(
  kernels: Kernels,
  heap: Heap,
  w: number,
  n: number,
  a: Float64Array,
  values: Float64Array,
  v: Float64Array,
) {
  const shifted = new Float64Array(w * n * n);
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const p = w * (i * n + j);
      const q = w * (j * n + i);
      shifted[p] = shifted[q] = a[p]!;
      if (w === 2 && i !== j) {
        shifted[p + 1] = a[p + 1]!;
        shifted[q + 1] = -a[p + 1]!;
      }
      const size = w === 2 && i !== j ? Math.hypot(a[p]!, a[p + 1]!) : Math.abs(a[p]!);
      sums[i]! += size;
      if (i !== j) sums[j]! += size;
    }
  const sigma = 2 * sums.reduce((x, y) => Math.max(x, y), 0);
  for (let i = 0; i < n; i++) shifted[w * i * (n + 1)]! += sigma;
  const u = new Float64Array(w * n * n);
  const s = new Float64Array(n);
  const vh = new Float64Array(w * n * n);
  const converged = svd(kernels, heap, w, n, n, shifted, u, s, vh);
  for (let j = 0; j < n; j++) {
    values[j] = s[n - 1 - j]! - sigma;
    for (let i = 0; i < n; i++) for (let p = 0; p < w; p++) v[w * (i * n + j) + p] = u[w * (i * n + n - 1 - j) + p]!;
  }
  return converged;
}

import { expect } from "vitest";
import { norm as frobenius } from "../../src/linalg/level1.ts";
import { randomTensor, seeded } from "../../src/linalg/random.ts";
import { reshape, sizeOf, type Tensor, tensor, width } from "../../src/linalg/tensor.ts";
import { inner, norm, scale, toDense } from "../../src/ttn/arithmetic.ts";
import { fromDense } from "../../src/ttn/construct.ts";
import { centers, modeTowards, orthonormalize } from "../../src/ttn/gauge.ts";
import { edgesOf, type NodeId, rootOf } from "../../src/ttn/tree.ts";
import { schmidtValues, type Truncation, truncate } from "../../src/ttn/truncate.ts";
import { ranks, type TTN, withTensor } from "../../src/ttn/ttn.ts";
import { distance, eps, eye, product, relative } from "./dense.ts";

/*
 * The promises B1, B2, B3, B5 and B6 of a state, as checks that random and degenerate states share.
 */

/** Mat(C)^T with respect to one mode: (all others) x (mode), by plain loops. */
function columnsAt(c: Tensor, mode: number): Tensor {
  const w = width(c.dtype);
  const before = sizeOf(c.shape.slice(0, mode));
  const n = c.shape[mode]!;
  const after = sizeOf(c.shape.slice(mode + 1));
  const out = tensor([before * after, n], c.dtype);
  for (let a = 0; a < before; a++)
    for (let j = 0; j < n; j++)
      for (let b = 0; b < after; b++)
        for (let k = 0; k < w; k++)
          out.data[w * ((a * after + b) * n + j) + k] = c.data[w * ((a * n + j) * after + b) + k]!;
  return out;
}

/** LAPACK's ratio |1 - Q* Q|_1 / (m eps / 2) of the tensor at `at`, as an isometry from the edge towards `to`. */
export function isometryRatio(y: TTN, at: NodeId, to: NodeId): number {
  const q = columnsAt(y.tensors[at]!, modeTowards(y.tree, at, to));
  const gram = product(q, q, true);
  const [n] = gram.shape as [number, number];
  let largest = 0;
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < n; i++)
      sum += Math.hypot(gram.data[2 * (i * n + j)]! - (i === j ? 1 : 0), gram.data[2 * (i * n + j) + 1]!);
    largest = Math.max(largest, sum);
  }
  return largest / (q.shape[0]! * (eps / 2));
}

/** The neighbour of a node on the way to the centre. */
export function towardsCenter(y: TTN, id: NodeId): NodeId {
  for (let at: NodeId | null = y.center; at !== null; at = y.tree.nodes[at]!.parent) {
    if (at === id) {
      // the centre lies below: the child whose subtree has it
      let below = y.center;
      while (y.tree.nodes[below]!.parent !== id) below = y.tree.nodes[below]!.parent!;
      return below;
    }
  }
  return y.tree.nodes[id]!.parent!;
}

/** Largest isometry ratio of all nodes but the centre. */
export const worstRatio = (y: TTN): number =>
  Math.max(
    0,
    ...y.tree.nodes.flatMap((_, id) => (id === y.center ? [] : [isometryRatio(y, id, towardsCenter(y, id))])),
  );

/** B1: dense -> TTN at tolerance 0 -> dense. Returns the relative error. */
export function checkRoundTrip(y: TTN): number {
  const full = toDense(y);
  const back = fromDense(y.tree, full);
  const error = relative(toDense(back), full);
  expect(error).toBeLessThanOrEqual(100 * eps * y.tree.nodes.length);
  expect(worstRatio(back)).toBeLessThan(30);
  const low = fromDense(y.tree, full, 1e-12 * frobenius(full));
  edgesOf(y.tree).forEach((id) => {
    expect(ranks(low)[id]!).toBeLessThanOrEqual(ranks(y)[id]!);
  });
  return error;
}

/** For each truncation checked, whether a second one had to change nothing. */
export const settledShare: number[] = [];

/** B2, for the library's own promise: the error is at most the tolerance asked for. Returns (error - tolerance) / |Y|. */
export function checkTruncation(y: TTN, tolerance: number): number {
  const size = norm(y);
  const options: Truncation = { tolerance };
  const cut = truncate(y, options);
  const error = distance(toDense(cut.y), toDense(y));
  expect(error).toBeLessThanOrEqual(tolerance + 1e-14 * size);
  expect(cut.y.center).toBe(rootOf(y.tree));
  expect(worstRatio(cut.y)).toBeLessThan(30);
  if (cut.discarded > 1e-12 * size) {
    expect(cut.discarded).toBeGreaterThanOrEqual(0.99 * error);
    expect(cut.discarded).toBeLessThanOrEqual(1.01 * error);
  }
  const [before, after] = [ranks(y), ranks(cut.y)];
  after.forEach((r, id) => {
    expect(r).toBeLessThanOrEqual(before[id]!);
  });
  // Twice is once, unless cuts made later on other edges took so much from a value just above the threshold that it
  // can go as well: no truncation below a fixed tolerance can exclude that.
  const again = truncate(cut.y, options);
  const theta = tolerance / Math.sqrt(Math.max(1, edgesOf(y.tree).length));
  const settled = edgesOf(y.tree).every((id) => {
    const s = schmidtValues(cut.y, id);
    return s.length === 1 || s.at(-1)! > theta + 1e-14 * size;
  });
  if (settled) {
    expect(ranks(again.y)).toEqual(after);
    expect(distance(toDense(again.y), toDense(cut.y))).toBeLessThanOrEqual(1e-14 * size);
  } else expect(distance(toDense(again.y), toDense(cut.y))).toBeLessThanOrEqual(tolerance + 1e-14 * size);
  settledShare.push(settled ? 1 : 0);
  return (error - tolerance) / size;
}

/** B3: moving the centre and orthonormalising keep the tensor; all other nodes are isometries. Returns error and ratio. */
export function checkGauge(y: TTN): { error: number; ratio: number } {
  const full = toDense(y);
  const size = frobenius(full);
  let error = 0;
  let ratio = 0;
  for (const x of [...centers(y), orthonormalize(y), ...centers(y).map((at) => orthonormalize(at))]) {
    error = Math.max(error, distance(toDense(x), full) / (size || 1));
    ratio = Math.max(ratio, worstRatio(x));
  }
  expect(error).toBeLessThanOrEqual(1e-13);
  expect(ratio).toBeLessThan(30);
  return { error, ratio };
}

/** B5, for one state: the norm from the centre, from a contraction and of the full tensor agree. */
export function checkNorm(y: TTN): void {
  const full = frobenius(toDense(y));
  expect(Math.abs(norm(y) - full)).toBeLessThanOrEqual(1e-13 * full);
  const square = inner(y, y);
  expect(Math.abs(square.re - full * full)).toBeLessThanOrEqual(1e-13 * full * full);
  expect(Math.abs(square.im)).toBeLessThanOrEqual(1e-13 * full * full);
  expect(norm(scale({ re: 0, im: -2 }, y))).toBeCloseTo(2 * full, 12);
}

/**
 * B6: the frame P of a node, columns made by prolonging unit tensors one by one, is an isometry (restriction after
 * prolongation is the identity), restriction to the frame takes Y to its centre tensor, and prolongation gives it back.
 */
export function checkFrames(y: TTN): number {
  const full = toDense(y);
  const vector = reshape(full, [full.data.length / width(full.dtype), 1]);
  let worst = 0;
  for (const at of centers(y)) {
    const c = at.tensors[at.center]!;
    const size = sizeOf(c.shape);
    const frame = tensor([vector.shape[0]!, size], "complex128");
    for (let j = 0; j < size; j++) {
      const unit = tensor(c.shape, c.dtype);
      unit.data[width(c.dtype) * j] = 1;
      const column = toDense(withTensor(at, at.center, unit));
      const w = width(column.dtype);
      for (let i = 0; i < vector.shape[0]!; i++)
        for (let k = 0; k < w; k++) frame.data[2 * (i * size + j) + k] = column.data[w * i + k]!;
    }
    worst = Math.max(worst, distance(product(frame, frame, true), eye(size)) / Math.sqrt(size));
    const seen = product(frame, vector, true);
    worst = Math.max(worst, relative(seen, reshape(c, [size, 1])), relative(product(frame, seen), vector));
  }
  expect(worst).toBeLessThanOrEqual(1e-13);
  return worst;
}

/** A random tensor of the shape of another. */
export const randomLike = (t: Tensor, seed: number): Tensor => randomTensor(seeded(seed), t.shape, t.dtype);

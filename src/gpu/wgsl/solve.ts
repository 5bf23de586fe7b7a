import type { NumberKind } from "../encoding.ts";
import { arithmetic } from "./arithmetic.ts";
import { run } from "./products.ts";

/** Words of a problem in the table: x, its size, vectors, projection, start norm, error. */
export const problemWords = 6;
/** Largest dimension of a Krylov space: the projected matrix acts on one workgroup's row of threads. */
export const maxDimension = 62;
/** Rows of the projected matrix, and numbers of one for a space of this dimension. */
const rows = maxDimension + 2;
export const projectionWords = (dimension: number): number => rows * dimension;

/**
 * The kernels around the products of a local solve, x := p(A) x for the operator A that the products apply, a workgroup a
 * problem. Vectors V_0, V_1, ... of a problem stand one behind the other, and so do the columns of the projection T of A.
 *
 * - `load`: V_0 := x.
 * - `polynomial`: x := sum_j V_j / j!, for V_j = A^j x: the Runge-Kutta methods of a linear autonomous field.
 * - `begin`: V_0 := x / |x|.
 * - `orthogonalize`: V_{j+1} = A V_j made orthogonal to the last `window` vectors, `passes` times, and normalised: Lanczos with
 *   two vectors, Arnoldi with all. What is left of it after that and is round-off becomes zero.
 * - `exponential`: y := exp(T) e_1 by Taylor polynomials in parts of norm 1, then x := |x| sum_j y_j V_j. T has one row more, with the
 *   norm of the vector that comes next; the entry there is the estimate of the error. [saad1992analysis]
 */
export const solveKernels = (kind: NumberKind): string => /* wgsl */ `
${run}
${arithmetic(kind)}

const threads = 256u;
const width = ${rows}u;
const degree = ${kind.precision === "float32" ? 12 : 19}u;
const round_off = ${kind.precision === "float32" ? "1e-6" : "1e-12"};

var<workgroup> partial: array<Number, threads>;
var<workgroup> rest: array<Number, 16>;
var<workgroup> numbers: array<Number, width>;
var<workgroup> term: array<Number, width>;
var<workgroup> norm_of_projection: f32;

/** The sum of one number of each thread, in an order that is always the same; seen by all. */
fn total(own: Number, thread: u32) -> Number {
  partial[thread] = own;
  workgroupBarrier();
  if (thread < 16) {
    var sum = partial[thread];
    for (var i = 16u; i < threads; i += 16) { sum = sum_number(sum, partial[thread + i]); }
    rest[thread] = sum;
  }
  workgroupBarrier();
  var result = rest[0];
  for (var i = 1u; i < 16; i++) { result = sum_number(result, rest[i]); }
  return result;
}

fn squares(start: u32, size: u32, thread: u32) -> Real {
  var acc = real(0);
  for (var i = thread; i < size; i += threads) { acc = add_square(acc, heap[start + i]); }
  return real_part(total(number(proper(acc)), thread));
}

@compute @workgroup_size(threads)
fn load(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let problem = run.first + group.x * ${problemWords};
  for (var i = thread; i < table[problem + 1]; i += threads) { heap[table[problem + 2] + i] = heap[table[problem] + i]; }
}

@compute @workgroup_size(threads)
fn polynomial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let problem = run.first + group.x * ${problemWords};
  let size = table[problem + 1];
  for (var i = thread; i < size; i += threads) {
    var value = Number();
    // from the smallest term to the largest, each divided once more
    for (var j = run.vectors; j > 0; j--) {
      value = scaled(reciprocal(real(f32(j))), sum_number(heap[table[problem + 2] + j * size + i], value));
    }
    heap[table[problem] + i] = sum_number(heap[table[problem] + i], value);
  }
}

@compute @workgroup_size(threads)
fn begin(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let problem = run.first + group.x * ${problemWords};
  let size = table[problem + 1];
  let square = squares(table[problem], size, thread);
  var inverse = real(0);
  if (high(square) > 0) { inverse = reciprocal_root(square); }
  for (var i = thread; i < size; i += threads) {
    heap[table[problem + 2] + i] = scaled(inverse, heap[table[problem] + i]);
  }
  if (thread == 0) { heap[table[problem + 4]] = number(product(square, inverse)); }
}

@compute @workgroup_size(threads)
fn orthogonalize(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let problem = run.first + group.x * ${problemWords};
  let size = table[problem + 1];
  let vectors = table[problem + 2];
  let j = run.iteration;
  let w = vectors + (j + 1) * size;
  let column = table[problem + 3] + j * width;
  let oldest = j + 1 - min(j + 1, run.window);
  let before = squares(w, size, thread);
  if (thread < width) { numbers[thread] = Number(); }
  for (var pass_index = 0u; pass_index < run.passes; pass_index++) {
    for (var l = oldest; l <= j; l++) {
      let v = vectors + l * size;
      var acc = Number();
      for (var i = thread; i < size; i += threads) { acc = fma_number(acc, conjugate(heap[v + i]), heap[w + i]); }
      let c = total(proper_number(acc), thread);
      if (thread == 0) { numbers[l] = sum_number(numbers[l], c); }
      for (var i = thread; i < size; i += threads) {
        heap[w + i] = sum_number(heap[w + i], scaled(real(-1), proper_number(fma_number(Number(), c, heap[v + i]))));
      }
    }
  }
  let square = squares(w, size, thread);
  var inverse = real(0);
  if (high(square) > round_off * round_off * high(before)) { inverse = reciprocal_root(square); }
  for (var i = thread; i < size; i += threads) { heap[w + i] = scaled(inverse, heap[w + i]); }
  if (thread == 0) { numbers[j + 1] = number(product(square, inverse)); }
  workgroupBarrier();
  if (thread < width) { heap[column + thread] = numbers[thread]; }
}

@compute @workgroup_size(threads)
fn exponential(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let problem = run.first + group.x * ${problemWords};
  let size = table[problem + 1];
  let projection = table[problem + 3];
  let m = run.vectors;
  if (thread == 0) {
    var norm = 0.0;
    for (var j = 0u; j < m; j++) {
      var column = 0.0;
      for (var i = 0u; i <= j + 1; i++) { column += magnitude(heap[projection + j * width + i]); }
      norm = max(norm, column);
    }
    norm_of_projection = clamp(ceil(norm), 1, 1000);
  }
  if (thread < width) { numbers[thread] = Number(); }
  workgroupBarrier();
  if (thread == 0) { numbers[0] = number(real(1)); }
  let parts = u32(workgroupUniformLoad(&norm_of_projection));
  let share = reciprocal(real(f32(parts)));
  for (var p = 0u; p < parts; p++) {
    if (thread < width) { term[thread] = numbers[thread]; }
    workgroupBarrier();
    for (var d = 1u; d <= degree; d++) {
      var acc = Number();
      if (thread <= m) {
        for (var j = max(thread, 1u) - 1; j < m; j++) { acc = fma_number(acc, heap[projection + j * width + thread], term[j]); }
      }
      acc = scaled(product(share, reciprocal(real(f32(d)))), proper_number(acc));
      workgroupBarrier();
      if (thread <= m) {
        term[thread] = acc;
        numbers[thread] = sum_number(numbers[thread], acc);
      }
      workgroupBarrier();
    }
  }
  let start = real_part(heap[table[problem + 4]]);
  for (var i = thread; i < size; i += threads) {
    var acc = Number();
    for (var j = 0u; j < m; j++) { acc = fma_number(acc, numbers[j], heap[table[problem + 2] + j * size + i]); }
    heap[table[problem] + i] = scaled(start, proper_number(acc));
  }
  if (thread == 0) {
    let estimate = number(real(magnitude(numbers[m])));
    heap[table[problem + 5]] = sum_number(heap[table[problem + 5]], estimate);
  }
}
`;

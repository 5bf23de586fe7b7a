import type { NumberKind } from "../encoding.ts";
import { arithmetic } from "./arithmetic.ts";

/** Words of the run's parameters, one set for every dispatch: see `Run`. */
export const run = /* wgsl */ `
struct Run {
  zero: u32,       // 0, unknown to the compiler
  iteration: u32,  // which of the vectors is the argument
  first: u32,      // where the dispatch's jobs, or problems, stand in the table
  count: u32,      // how many they are
  tiles: u32,      // of all jobs
  vectors: u32,    // dimension of the Krylov space, degree of the polynomial
  window: u32,     // vectors to be orthogonal to
  passes: u32,     // how often
}
@group(0) @binding(0) var<storage, read_write> heap: array<Number>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<uniform> run: Run;
`;

/** Rows and columns of a tile of the result, which one workgroup makes: 8 x 8 threads with 4 x 4 entries each, or 2 x 2 of pairs. */
export const tileSize = ({ precision }: NumberKind): number => (precision === "float32" ? 32 : 16);
/** Words of a job in the table, and of a segment. */
export const jobWords = 18;
export const segmentWords = 4;

/** Workgroups in x; more of them go on in y. */
export const groupsAcross = 32768;

const times = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

/**
 * Many matrix products at once, of any shapes: C_b = (C_b) + sum_s A_sb B_sb for each job, matrix b and segment s. A workgroup makes
 * a tile of the result from slices of 16 columns and rows in shared memory. Operands have any strides, results are row-major. A tile
 * finds its job by bisection. Entries of a thread have names of their own: arrays would not be kept in registers.
 */
export const productsKernel = (kind: NumberKind): string => {
  const own = tileSize(kind) / 8;
  const entries = (line: (i: number, j: number) => string): string => times(own, (i) => times(own, (j) => line(i, j)));
  return /* wgsl */ `
${run}
${arithmetic(kind)}

const tile = ${tileSize(kind)}u;
const depth = 16u;
const across = 8u;

var<workgroup> left: array<Number, tile * depth>;
var<workgroup> right: array<Number, tile * depth>;

/** The last job whose first tile is not behind this one. */
fn job_of(index: u32) -> u32 {
  var low = 0u;
  var high = run.count;
  while (high - low > 1) {
    let middle = (low + high) / 2;
    if (table[run.first + middle * ${jobWords}] <= index) { low = middle; } else { high = middle; }
  }
  return run.first + low * ${jobWords};
}

fn store(at: u32, inside: bool, adds: bool, sum: Number) {
  if (!inside) { return; }
  let value = proper_number(sum);
  if (adds) { heap[at] = sum_number(heap[at], value); } else { heap[at] = value; }
}

@compute @workgroup_size(across, across)
fn products(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) thread: vec3u) {
  let index = group.x + group.y * ${groupsAcross};
  if (index >= run.tiles) { return; }
  let job = job_of(index);
  let inside = index - table[job];
  let matrix = inside / table[job + 1];
  let place = inside % table[job + 1];
  let row0 = place / table[job + 2] * tile;
  let column0 = place % table[job + 2] * tile;
  let m = table[job + 3];
  let n = table[job + 4];
  let k = table[job + 5];
  let a_row = table[job + 8];
  let a_column = table[job + 9];
  let b_row = table[job + 11];
  let b_column = table[job + 12];
  let flags = table[job + 17];
  let number_of_thread = thread.y * across + thread.x;

${entries((i, j) => `  var c${i}${j} = Number();`)}
  for (var s = 0u; s < table[job + 7]; s++) {
    let segment = table[job + 6] + s * ${segmentWords};
    let a0 = table[segment] + run.iteration * table[segment + 1] + matrix * table[job + 10];
    let b0 = table[segment + 2] + run.iteration * table[segment + 3] + matrix * table[job + 13];
    for (var k0 = 0u; k0 < k; k0 += depth) {
      for (var e = number_of_thread; e < tile * depth; e += across * across) {
        // neighbouring threads read neighbouring numbers
        let a_at = select(vec2u(e % tile, e / tile), vec2u(e / depth, e % depth), a_column == 1);
        let b_at = select(vec2u(e / depth, e % depth), vec2u(e % tile, e / tile), b_column == 1);
        var a = Number();
        if (row0 + a_at.x < m && k0 + a_at.y < k) { a = heap[a0 + (row0 + a_at.x) * a_row + (k0 + a_at.y) * a_column]; }
        if ((flags & 2) != 0) { a = conjugate(a); }
        left[a_at.y * tile + a_at.x] = a;
        var b = Number();
        if (column0 + b_at.x < n && k0 + b_at.y < k) { b = heap[b0 + (k0 + b_at.y) * b_row + (column0 + b_at.x) * b_column]; }
        if ((flags & 4) != 0) { b = conjugate(b); }
        right[b_at.y * tile + b_at.x] = b;
      }
      workgroupBarrier();
      let slices = min(depth, k - k0);
      for (var l = 0u; l < slices; l++) {
${times(own, (i) => `        let a${i} = left[l * tile + thread.y + ${8 * i}];`)}
${times(own, (j) => `        let b${j} = right[l * tile + thread.x + ${8 * j}];`)}
${entries((i, j) => `        c${i}${j} = fma_number(c${i}${j}, a${i}, b${j});`)}
      }
      workgroupBarrier();
    }
  }
  let row = row0 + thread.y;
  let column = column0 + thread.x;
  let c = table[job + 14] + run.iteration * table[job + 15] + matrix * table[job + 16] + row * n + column;
  let adds = (flags & 1) != 0;
${entries((i, j) => `  store(c + ${8 * i} * n + ${8 * j}, row + ${8 * i} < m && column + ${8 * j} < n, adds, c${i}${j});`)}
}
`;
};

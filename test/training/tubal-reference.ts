import { readFileSync } from "node:fs";
import { fromValues, type Tensor, tensor } from "../../src/index.ts";
import { scaled } from "../../src/linalg/index.ts";
import { type TubalProblem, tubalDescent, tubalProblem } from "../../src/training/index.ts";

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../data/${name}`, import.meta.url), "utf8"));

interface Instance {
  readonly n: number;
  readonly k: number;
  readonly rank: number;
  readonly columns: number;
  readonly measurements: number;
  readonly factor: readonly number[];
  readonly start: readonly number[];
  readonly scale: number;
  readonly operators: string;
}

/** One run of the independent implementation. */
interface Run {
  readonly alpha: number;
  readonly mu: number;
  readonly hist: readonly {
    readonly iter: number;
    readonly train: number;
    readonly test: number;
    readonly tubal_sv: readonly number[];
  }[];
}

export const runs = read("dlrt_tubal_gd.json") as readonly Run[];
const { n, k, rank, columns, measurements, scale, ...given } = read("tubal_instance.json") as Instance;

/** The problem of the reference, its operators symmetric and rounded to a byte an entry. */
function problem(): TubalProblem {
  const bytes = new Int8Array(Buffer.from(given.operators, "base64"));
  const operators = tensor([measurements, n * n * k]);
  let next = 0;
  for (let row = 0; row < measurements; row++) {
    const put = (i: number, j: number, slice: number, v: number): void => {
      operators.data[((row * n + i) * n + j) * k + slice] = v;
    };
    for (let slice = 0; slice <= k / 2; slice++)
      for (let i = 0; i < n; i++)
        for (let j = slice === 1 ? 0 : i; j < n; j++) {
          const v = bytes[next++]! * scale;
          put(i, j, slice, v);
          put(j, i, (k - slice) % k, v);
        }
  }
  return tubalProblem(fromValues([n, rank, k], given.factor), operators);
}

const start: Tensor = fromValues(
  [n, columns, k],
  given.start.map((v) => v / 64),
);

/** Relative differences of the test error from the reference, at the iterations up to `last` that it tells of. */
export function differences({ alpha, mu, hist }: Run, last: number): readonly number[] {
  const found: number[] = [];
  for (const { step, testError } of tubalDescent(problem(), { start: scaled(alpha, start), rate: mu, steps: last })) {
    const expected = hist.find((h) => h.iter === step);
    if (expected) found.push(testError / expected.test - 1);
  }
  return found;
}

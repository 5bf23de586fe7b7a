import { factorsOf } from "../../../ttn/matrix-rhs.ts";
import { modeSizes } from "../../../ttn/ttn.ts";
import { outerProducts, products } from "../../tape/covector.ts";
import { LowRankWeight } from "../../tape/operations.ts";
import type { Evaluation, Weights } from "../../weights.ts";
import { arrayOf, type Parts, tensorOf } from "./parameters.ts";
import type { JaxArray, JaxFactors, Operations } from "./types.ts";

/** A loss of parameters and a batch, in the manner of jax-js: it is given its arguments, and uses each array once, or `ref` of it. */
export type JaxLoss = (parameters: never, batch: never) => JaxArray;

/** One use of a weight: which, and how many rows it was applied to. */
interface Use {
  readonly weight: number;
  readonly rows: number;
}

/** What goes on while a loss is traced. */
interface Trace {
  readonly uses: Use[];
  /** Zeros that are added to what comes out of each use: the derivative by them is that by what comes out. Empty while uses are counted. */
  readonly shifts: readonly JaxArray[];
  /** What weights were applied to. */
  readonly inputs: JaxArray[];
  /** The weights of the trace, by their first factor: an array stays the same when it is one's own twice. */
  readonly weights: ReadonlyMap<JaxArray, number>;
}

/**
 * Evaluates losses so that dL/dW of a weight comes in factors, D^T X: X what it was applied to is handed out of the trace, and D is the derivative by
 * zeros that are added to what came out.
 */
export class Recorder {
  readonly #jax: Operations;
  #trace: Trace | null = null;

  constructor(jax: Operations) {
    this.#jax = jax;
  }

  /** X W^T for W = U S V^T, (any shape) x inputs; takes both. */
  linear(x: JaxArray, w: JaxFactors): JaxArray {
    const { numpy } = this.#jax;
    const { shape } = x;
    const inputs = shape.at(-1)!;
    const rows = shape.slice(0, -1).reduce((p, n) => p * n, 1);
    const [outputs] = w.u.shape as [number];
    if (inputs !== w.v.shape[0])
      throw new RangeError(`linear: x has ${inputs} columns, the weight is ${outputs}x${w.v.shape[0]}`);
    const flat = x.reshape([rows, inputs]);
    const weight = this.#trace?.weights.get(w.u);
    const trace = weight === undefined ? null : this.#trace;
    if (trace) {
      trace.uses.push({ weight: weight!, rows });
      trace.inputs.push(flat.ref);
    }
    const z = numpy.matmul(numpy.matmul(numpy.matmul(flat, w.v), w.s.transpose()), w.u.transpose());
    const shift = trace?.shifts[trace.uses.length - 1];
    return (shift ? z.add(shift) : z).reshape([...shape.slice(0, -1), outputs]);
  }

  /** How a loss uses its weights for a batch of these shapes. Takes nothing. */
  usesOf(loss: JaxLoss, parts: Parts, batch: unknown): readonly Use[] {
    const uses: Use[] = [];
    const f = (fixed: readonly JaxFactors[], arrays: readonly JaxArray[], b: never): JaxArray => {
      const inputs: JaxArray[] = [];
      const weights = numbered(fixed);
      const value = this.#during({ uses, shifts: [], inputs, weights }, () => loss(rebuilt(parts, fixed, arrays), b));
      for (const x of inputs) x.dispose();
      return value;
    };
    const { jaxpr } = this.#jax.makeJaxpr(f)(parts.weights, parts.arrays, batch); // looks at shapes only, and takes nothing
    jaxpr.dispose();
    const missing = parts.places.findIndex((_, k) => !uses.some(({ weight }) => weight === k));
    if (missing >= 0)
      throw new RangeError(
        `step: the loss does not apply ${parts.places[missing]} by linear(x, w) of the same adapter`,
      );
    return uses;
  }

  /** Loss and derivatives at some weights. Takes nothing. */
  evaluate(loss: JaxLoss, parts: Parts, batch: unknown, uses: readonly Use[], weights: Weights): Evaluation {
    const jax = this.#jax;
    const sizes = weights.blocks.map((y) => modeSizes(y) as readonly [number, number]);
    const fixed = weights.blocks.map((y): JaxFactors => {
      const { u, s, v } = factorsOf(y);
      const [a, b, c] = [u, s, v].map(({ shape, data }) => arrayOf(jax, shape, data));
      return { u: a!, s: b!, v: c! };
    });
    const shifts = uses.map(({ weight, rows }) => jax.numpy.zeros([rows, sizes[weight]![0]]));
    const f = (
      shifts: readonly JaxArray[],
      arrays: readonly JaxArray[],
      fixed: readonly JaxFactors[],
      b: never,
    ): readonly [JaxArray, readonly JaxArray[]] => {
      const inputs: JaxArray[] = [];
      const weights = numbered(fixed);
      const value = this.#during({ uses: [], shifts, inputs, weights }, () => loss(rebuilt(parts, fixed, arrays), b));
      return [value, inputs];
    };
    const arrays = jax.tree.ref(parts.arrays);
    const [[value, inputs], [derivatives, gradients]] = jax.valueAndGrad(f, { hasAux: true, argnums: [0, 1] })(
      shifts,
      arrays,
      fixed,
      jax.tree.ref(batch),
    );
    const own = weights.blocks.map((y) => new LowRankWeight(y));
    uses.forEach(({ weight }, k) => {
      own[weight]!.add(outerProducts(products(tensorOf(derivatives![k]!)), products(tensorOf(inputs[k]!))));
    });
    return {
      loss: value.dataSync()[0]!,
      blocks: own.map((w) => w.derivative),
      passengers: gradients!.map(tensorOf),
    };
  }

  #during(trace: Trace, f: () => JaxArray): JaxArray {
    this.#trace = trace;
    try {
      return f();
    } finally {
      this.#trace = null;
    }
  }
}

const numbered = (weights: readonly JaxFactors[]) => new Map(weights.map(({ u }, k) => [u, k]));

const rebuilt = (parts: Parts, weights: readonly JaxFactors[], arrays: readonly JaxArray[]): never =>
  parts.rebuild(weights, arrays) as never;

import { factorsOf } from "../../../ttn/matrix-rhs.ts";
import type { TTN } from "../../../ttn/ttn.ts";
import { outerProducts, products } from "../../tape/covector.ts";
import { LowRankWeight } from "../../tape/operations.ts";
import { fromFloats, type MirroredWeight } from "../float32.ts";
import type { Differentiated, Operations, TfTensor, TfVariable } from "./types.ts";

/** What an optimizer needs to know of a layer: where its weight lives. */
export interface LowRankSite {
  readonly mirror: MirroredWeight;
  readonly name: string;
  readonly u: TfVariable;
  readonly s: TfVariable;
  readonly v: TfVariable;
}

/** Where a layer's weight is during an evaluation, whatever its variables hold. */
interface Placed {
  readonly weight: LowRankWeight;
  readonly factors: readonly [u: TfTensor, s: TfTensor, v: TfTensor];
}

/**
 * What optimizer and layers share. While a loss is evaluated for the optimizer, its layers apply the weights that they are told to, of any rank, and tell what they
 * were applied to, X, and the derivative by what came out, D: dL/dW = D^T X, in factors.
 */
export class Recorder {
  /** The layers by their variables. */
  readonly sites = new WeakMap<TfVariable, LowRankSite>();
  readonly #tf: Operations;
  #placed: ReadonlyMap<LowRankSite, Placed> = new Map();

  constructor(tf: Operations) {
    this.#tf = tf;
  }

  /** The value of `f` with these weights in their layers, and dL/dW of each after it. */
  during<T>(sites: readonly LowRankSite[], weights: readonly TTN[], f: () => T) {
    const tf = this.#tf;
    const placed = weights.map((value): Placed => {
      const { u, s, v } = factorsOf(value);
      const [a, b, c] = [u, s, v].map(({ shape, data }) => tf.tensor(Float32Array.from(data), [...shape], "float32"));
      return { weight: new LowRankWeight(value), factors: [a!, b!, c!] };
    });
    this.#placed = new Map(sites.map((site, k) => [site, placed[k]!]));
    try {
      const value = f();
      return { value, derivatives: placed.map(({ weight }) => weight.derivative) };
    } finally {
      this.#placed = new Map();
    }
  }

  /** X W^T for the weight that a layer is told to have, X samples x inputs; null when it is told nothing. */
  apply(site: LowRankSite, x: TfTensor): TfTensor | null {
    const placed = this.#placed.get(site);
    if (!placed) return null;
    const tf = this.#tf;
    const { weight, factors } = placed;
    const [u, s, v] = factors;
    // S stands for the whole weight on the tape; its derivative is not what is wanted
    return tf.customGrad((x: TfTensor, hook: TfTensor, save: (saved: readonly TfTensor[]) => void): Differentiated => {
      save([x, hook]);
      return {
        value: tf.matMul(tf.matMul(tf.matMul(x, v), tf.transpose(s)), tf.transpose(u)),
        gradFunc: (d, saved) => {
          const [x, hook] = saved as [TfTensor, TfTensor];
          const [derivatives, inputs] = [d, x].map((a) => products(fromFloats(a.shape, a.dataSync())));
          weight.add(outerProducts(derivatives!, inputs!));
          return [tf.matMul(tf.matMul(tf.matMul(d, u), s), tf.transpose(v)), tf.zerosLike(hook)];
        },
      };
    })(x, site.s);
  }
}

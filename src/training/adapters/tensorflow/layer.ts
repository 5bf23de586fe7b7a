import { seeded } from "../../../linalg/random.ts";
import { decayingMatrix } from "../../initial.ts";
import { MirroredWeight, type PaddedFactors, rankOfPadded, toPadded } from "../float32.ts";
import type { LowRankSite, Recorder } from "./recorder.ts";
import type { Differentiated, Operations, TfTensor, TfVariable } from "./types.ts";

/** A dense layer of low rank: its sizes, its start and how far its rank may grow. */
export interface LowRankDenseOptions {
  /** Outputs. */
  readonly units: number;
  /** Rank to start with. Default: 32, or what the sizes allow. */
  readonly rank?: number;
  /** Columns that the variables have room for: the largest rank there will ever be. Default: twice the rank, or what the sizes allow. */
  readonly rankMax?: number;
  /** |W|_F at the start over sqrt(units). Default 0.1; `decayingMatrix` tells why small. */
  readonly gain?: number;
  /** Default true. */
  readonly useBias?: boolean;
  /** By its name in TensorFlow.js. Default: none. */
  readonly activation?: string;
  /** Seed of the first weights. Default: the number of the layer among those made before. */
  readonly seed?: number;
  readonly name?: string;
  readonly inputShape?: readonly number[];
  readonly trainable?: boolean;
}

/** What this adapter's layers have beside what every layer has. */
export interface LowRankDenseLayer {
  /** The rank now. */
  readonly rank: number;
}

/** What is used of the base class. */
declare class Base {
  constructor(options: object);
  readonly name: string;
  built: boolean;
  build(shape: unknown): void;
  addWeight(name: string, shape: number[], dtype: "float32", initializer: object): { read(): TfVariable };
  getConfig(): Record<string, unknown>;
}

/**
 * The layer class for a module: z = f((U S V^T) x + b), a `Dense` whose kernel is of low rank; m outputs, n inputs. Its variables U (m x rankMax), S, V
 * (n x rankMax) are padded with zero columns, which contribute nothing and have no gradient. The weight is applied as ((X V) S^T) U^T, with
 * explicit transposes: the matrix products of the wasm backend are ten times slower with transposed arguments.
 */
export function layerClass(tf: Operations, recorder: Recorder) {
  let layers = 0;

  class LowRankDense extends (tf.layers.Layer as unknown as typeof Base) {
    static readonly className = "LowRankDense";
    readonly options: LowRankDenseOptions & { readonly useBias: boolean; readonly gain: number; readonly seed: number };
    readonly activation: { call(x: TfTensor, kwargs: object): TfTensor } | null;
    site: LowRankSite | null = null;
    bias: TfVariable | null = null;

    constructor(options: LowRankDenseOptions) {
      super(options);
      const { units, rank, rankMax, gain = 0.1, useBias = true, activation, seed = layers++ } = options ?? {};
      checkCount("units", units);
      if (rank !== undefined) checkCount("rank", rank);
      if (rankMax !== undefined) checkCount("rankMax", rankMax);
      if (rank !== undefined && rankMax !== undefined && rank > rankMax)
        throw new RangeError(`LowRankDense: rank is ${rank}, more than rankMax, ${rankMax}`);
      if (!(gain > 0 && gain < Number.POSITIVE_INFINITY))
        throw new RangeError(`LowRankDense: gain is ${gain}, expected a positive number`);
      this.options = { ...options, gain, useBias, seed };
      this.activation = activation
        ? (tf.layers.activation({ activation } as never) as NonNullable<LowRankDense["activation"]>)
        : null;
    }

    override build(shape: unknown): void {
      const inputs = lastOf(shape);
      const { units, gain, useBias, seed } = this.options;
      const most = Math.min(units, inputs);
      for (const name of ["rank", "rankMax"] as const)
        if ((this.options[name] ?? 1) > most)
          throw new RangeError(
            `LowRankDense: ${name} is ${this.options[name]}, a matrix of ${units}x${inputs} has at most ${most}`,
          );
      const rank = this.options.rank ?? Math.min(32, most, this.options.rankMax ?? most);
      const rankMax = this.options.rankMax ?? Math.min(2 * rank, most);
      const variable = (name: string, ...size: number[]): TfVariable =>
        this.addWeight(name, size, "float32", tf.initializers.zeros()).read();
      this.site = {
        name: this.name,
        mirror: new MirroredWeight(units, inputs, rankMax),
        u: variable("U", units, rankMax),
        s: variable("S", rankMax, rankMax),
        v: variable("V", inputs, rankMax),
      };
      if (useBias) this.bias = variable("bias", units);
      writeFactors(tf, this.site, toPadded(decayingMatrix(units, inputs, rank, seeded(seed), gain), rankMax));
      for (const factor of [this.site.u, this.site.s, this.site.v]) recorder.sites.set(factor, this.site);
      this.built = true;
    }

    computeOutputShape(shape: unknown): (number | null)[] {
      return [...shapeOf(shape).slice(0, -1), this.options.units];
    }

    call(inputs: TfTensor | TfTensor[]): TfTensor {
      return tf.tidy(() => {
        const x = [inputs].flat()[0]!;
        const { units } = this.options;
        const [inside] = x.shape.slice(-1) as [number];
        const rows = x.shape.slice(0, -1).reduce((p, n) => p * n, 1);
        const flat = tf.reshape(x, [rows, inside]);
        const z = recorder.apply(this.site!, flat) ?? product(tf, flat, this.site!);
        const whole = this.bias ? tf.add(z, this.bias) : z;
        const shaped = tf.reshape(whole, [...x.shape.slice(0, -1), units]);
        return this.activation ? this.activation.call(shaped, {}) : shaped;
      });
    }

    get rank(): number {
      return this.site ? rankOfPadded(this.site.u.dataSync(), this.options.units) : 0;
    }

    override getConfig(): Record<string, unknown> {
      const { units, rank, rankMax, gain, useBias, activation, seed } = this.options;
      return {
        ...super.getConfig(),
        units,
        rank: rank ?? null,
        rankMax: rankMax ?? null,
        gain,
        useBias,
        activation: activation ?? null,
        seed,
      };
    }

    static fromConfig(cls: new (options: LowRankDenseOptions) => LowRankDense, config: Record<string, unknown>) {
      const given = Object.entries(config).filter(([, value]) => value !== null);
      return new cls(Object.fromEntries(given) as unknown as LowRankDenseOptions);
    }
  }
  tf.serialization.registerClass(LowRankDense as never);
  return LowRankDense;
}

/** Writes factors into the variables of a layer. */
export function writeFactors(tf: Operations, { u, s, v }: LowRankSite, factors: PaddedFactors): void {
  tf.tidy(() => {
    u.assign(tf.tensor(factors.u, [...u.shape], "float32"));
    s.assign(tf.tensor(factors.s, [...s.shape], "float32"));
    v.assign(tf.tensor(factors.v, [...v.shape], "float32"));
    return undefined;
  });
}

/** The factors in the variables of a layer. */
export const readFactors = ({ u, s, v }: LowRankSite): PaddedFactors => ({
  u: u.dataSync() as Float32Array,
  s: s.dataSync() as Float32Array,
  v: v.dataSync() as Float32Array,
});

/** X V S^T U^T, differentiable by all four: what any other optimizer, and evaluation, sees. */
const product = (tf: Operations, x: TfTensor, site: LowRankSite): TfTensor =>
  tf.customGrad(
    (
      x: TfTensor,
      u: TfTensor,
      s: TfTensor,
      v: TfTensor,
      save: (saved: readonly TfTensor[]) => void,
    ): Differentiated => {
      const xv = tf.matMul(x, v);
      const y = tf.matMul(xv, tf.transpose(s));
      save([x, u, s, v, xv, y]);
      return {
        value: tf.matMul(y, tf.transpose(u)),
        gradFunc: (d, saved) => {
          const [x, u, s, v, xv, y] = saved as [TfTensor, TfTensor, TfTensor, TfTensor, TfTensor, TfTensor];
          const dt = tf.transpose(d);
          const dy = tf.matMul(d, u);
          const dxv = tf.matMul(dy, s);
          return [
            tf.matMul(dxv, tf.transpose(v)),
            tf.matMul(dt, y),
            tf.matMul(tf.transpose(dy), xv),
            tf.matMul(tf.transpose(x), dxv),
          ];
        },
      };
    },
  )(x, site.u, site.s, site.v);

const shapeOf = (shape: unknown): (number | null)[] =>
  (Array.isArray(shape) && Array.isArray(shape[0]) ? shape[0] : shape) as (number | null)[];

function lastOf(shape: unknown): number {
  const last = shapeOf(shape).at(-1);
  if (typeof last !== "number")
    throw new RangeError(`LowRankDense: the last size of its input is ${last}, expected a number`);
  return last;
}

function checkCount(name: string, n: number): void {
  if (!Number.isSafeInteger(n) || n < 1)
    throw new RangeError(`LowRankDense: ${name} is ${n}, expected a positive integer`);
}

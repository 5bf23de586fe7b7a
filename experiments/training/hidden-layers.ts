import { seeded, type Tensor } from "../../src/index.ts";
import { ConfigError } from "../../src/io/index.ts";
import {
  activation,
  type Base,
  dense,
  factored,
  heNormal,
  type Layer,
  lowRank,
  quantized,
  sharedLowRank,
  type TrainingMethod,
  tuckerLayer,
} from "../../src/training/index.ts";

export interface HiddenLayers {
  readonly layers: TrainingMethod["layers"];
  /** Sizes of the inputs and of all hidden layers. */
  readonly sizes: readonly number[];
  readonly activation: "relu" | "tanh" | "gelu";
  readonly rank: number;
  readonly gain: number;
  /** The frozen matrix that a weight is added to, as a dense layer starts. */
  readonly base: "none" | "dense" | "int8" | "int4" | "nf4";
  readonly seed: number;
}

/** The hidden layers of a perceptron in the form that a method trains. Throws a ConfigError where that form does not suit the sizes. */
export function hiddenLayers({ layers, sizes, activation: name, rank, gain, base, seed }: HiddenLayers): Layer[] {
  const outputs = sizes.slice(1);
  const random = seeded(seed + 1000);
  if (base !== "none" && layers !== "low-rank" && layers !== "adapter")
    throw new ConfigError(`base is ${base}, but a method with ${layers} layers has none`);
  if (base === "none" && layers === "adapter")
    throw new ConfigError("base is none, expected dense, int8, int4 or nf4 for a method of adapters");
  const baseOf = (k: number): Base => {
    const matrix: Tensor = heNormal(sizes[k + 1]!, sizes[k]!, random);
    return base === "none" || base === "dense" ? matrix : quantized(matrix, { format: base });
  };
  const layer = (n: number, k: number): Layer => {
    const most = Math.min(rank, n, sizes[k]!);
    if (layers === "dense") return dense(n);
    if (layers === "tucker" && k === 0) return tuckerLayer(n, { modes: squareOf(sizes[0]!), rank, gain });
    const options = { rank: most, ...(base === "none" ? { gain } : { base: baseOf(k) }) };
    return layers === "factors" || layers === "adapter" ? factored(n, options) : lowRank(n, options);
  };
  if (layers !== "shared") return outputs.flatMap((n, k) => [layer(n, k), activation(name)]);
  const [n, ...others] = outputs as [number, ...number[]];
  if (others.length === 0 || others.some((m) => m !== n))
    throw new ConfigError(
      `hidden is ${outputs.join(", ")}: layers of shared bases have to be of one size, two or more`,
    );
  const stack = sharedLowRank({ layers: others.length, activation: name, rank: Math.min(rank, n), gain });
  return [layer(n, 0), activation(name), stack, activation(name)];
}

/** Rows and columns of square images of so many pixels; one mode where they are none. */
function squareOf(pixels: number): readonly number[] {
  const side = Math.round(Math.sqrt(pixels));
  return side * side === pixels ? [side, side] : [pixels];
}

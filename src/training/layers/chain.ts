import { reshape } from "../../linalg/tensor.ts";
import { addScaled } from "../tape/operations.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import type { Layer, SizedLayer } from "./layers.ts";

/** Layers one after the other as a single one, each fed with the outputs of the one before. Throws what the layers throw. */
export function chain(
  inputs: number,
  layers: readonly Layer[],
): SizedLayer & { readonly parts: readonly SizedLayer[] } {
  const sized: SizedLayer[] = [];
  for (const layer of layers) sized.push(layer.sized(sized.at(-1)?.outputs ?? inputs));
  return {
    outputs: sized.at(-1)?.outputs ?? inputs,
    parts: sized,
    ...weightsOf(sized),
    check: (x) => sized[0]?.check?.(x),
    record(tape, x, own) {
      const shares = sharesOf(sized, own);
      return sized.reduce((v, layer, k) => layer.record(tape, v, shares[k]!), x);
    },
  };
}

/** The weights of several layers together, in their order. */
export const weightsOf = (layers: readonly SizedLayer[]): Omit<SizedLayer, "outputs" | "check" | "record"> => {
  const total = (key: "blocks" | "passengers"): number => layers.reduce((sum, { counts }) => sum + counts[key], 0);
  return {
    counts: { blocks: total("blocks"), passengers: total("passengers") },
    complete: layers.flatMap(({ complete, counts }) => complete ?? Array.from({ length: counts.blocks }, () => [])),
    spared: layers.reduce((sum, { spared = 0 }) => sum + spared, 0),
    initial(random) {
      const parts = layers.map((layer) => layer.initial(random));
      return { blocks: parts.flatMap((p) => p.blocks), passengers: parts.flatMap((p) => p.passengers) };
    },
  };
};

/** What of the weights of several layers, in their order, is that of each. */
export function sharesOf<Block, Passenger>(
  layers: readonly SizedLayer[],
  { blocks, passengers }: Together<Block, Passenger>,
): readonly Together<Block, Passenger>[] {
  let [block, passenger] = [0, 0];
  return layers.map(({ counts }) => {
    const [fromBlock, fromPassenger] = [block, passenger];
    block += counts.blocks;
    passenger += counts.passengers;
    return { blocks: blocks.slice(fromBlock, block), passengers: passengers.slice(fromPassenger, passenger) };
  });
}

interface Together<Block, Passenger> {
  readonly blocks: readonly Block[];
  readonly passengers: readonly Passenger[];
}

/** x + f(x), f the layers one after the other. Throws a RangeError when they have not as many outputs as inputs. */
export const residual = (layers: readonly Layer[]): Layer => ({
  name: `residual (${namesOf(layers)})`,
  sized(inputs) {
    const inner = chain(inputs, layers);
    if (inner.outputs !== inputs)
      throw new RangeError(`residual: the layers take ${inputs} inputs and give ${inner.outputs} outputs`);
    const { parts: _, ...whole } = inner;
    return { ...whole, record: (tape, x, own) => addScaled(tape, x, 1, inner.record(tape, x, own)) };
  },
});

/**
 * The same layers on each token of a sequence: a row of inputs is `tokens` tokens, one after the other, and is taken apart to as many rows.
 * Throws a RangeError when the inputs are no multiple of the tokens.
 */
export function perToken(tokens: number, layers: readonly Layer[]): Layer {
  return {
    name: `each of ${tokens} tokens (${namesOf(layers)})`,
    sized(inputs) {
      const width = widthOfTokens("perToken", inputs, tokens);
      const inner = chain(width, layers);
      return {
        ...inner,
        outputs: tokens * inner.outputs,
        check: (x) => inner.check?.(reshape(x, [x.shape[0]! * tokens, width])),
        record(tape, x, own) {
          const samples = x.value.shape[0]!;
          const rows = reshaped(tape, x, [samples * tokens, width]);
          return reshaped(tape, inner.record(tape, rows, own), [samples, tokens * inner.outputs]);
        },
      };
    },
  };
}

/** The width of a token. Throws a RangeError, in the name of `what`, when the inputs are no multiple of the tokens. */
export function widthOfTokens(what: string, inputs: number, tokens: number): number {
  if (!Number.isSafeInteger(tokens) || tokens < 1)
    throw new RangeError(`${what}: tokens is ${tokens}, expected a positive integer`);
  if (inputs % tokens !== 0)
    throw new RangeError(`${what}: ${inputs} inputs, expected a multiple of the ${tokens} tokens`);
  return inputs / tokens;
}

/** The same numbers in another shape. */
export const reshaped = (tape: Tape, x: Variable, shape: readonly number[]): Variable =>
  tape.record(reshape(x.value, shape), x.isConstant, (d) => tape.add(x, reshape(d, x.value.shape)));

export const namesOf = (layers: readonly Layer[]): string => layers.map((layer) => layer.name).join(", ");

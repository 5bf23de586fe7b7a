import { reshaped, sharesOf, weightsOf, widthOfTokens } from "../layers/chain.ts";
import { dense, type Layer, type SizedLayer } from "../layers/layers.ts";
import type { Tape, Variable } from "../tape/tape.ts";

/** What all kinds of attention are told. A row of inputs is `tokens` tokens of D numbers, one after the other, and so is a row of outputs. */
export interface SequenceOptions {
  readonly tokens: number;
  readonly heads: number;
  /** Numbers in the query of a head. Default: D / heads. */
  readonly headSize?: number;
  /** Whether a token sees only those before it, and itself. Default false. */
  readonly causal?: boolean;
}

/** The options of all kinds of attention, for `checkKeys`. */
export const sequenceKeys = { tokens: true, heads: true, headSize: true, causal: true } as const;

/** The map of vectors that attention takes when none is given. */
export const withoutBias = (outputs: number): Layer => dense(outputs, { bias: false });

type RowMap = (x: Variable) => Variable;

/** A layer that applies several maps in an order of its own, to the rows of all tokens. */
export function fromMaps(
  inputs: number,
  maps: readonly SizedLayer[],
  tokens: number,
  record: (tape: Tape, x: Variable, maps: readonly RowMap[]) => Variable,
): SizedLayer {
  return {
    outputs: inputs,
    ...weightsOf(maps),
    record(tape, x, own) {
      const samples = x.value.shape[0]!;
      const shares = sharesOf(maps, own);
      const rows = reshaped(tape, x, [samples * tokens, inputs / tokens]);
      const z = record(
        tape,
        rows,
        maps.map((map, k) => (v) => map.record(tape, v, shares[k]!)),
      );
      return reshaped(tape, z, [samples, inputs]);
    },
  };
}

/** Checks the sizes that do not depend on the inputs. */
export function checkHeads(what: string, { tokens, heads, headSize, causal = false }: SequenceOptions): void {
  checkSizes(what, { tokens, heads, ...(headSize === undefined ? {} : { headSize }) });
  if (typeof causal !== "boolean") throw new TypeError(`${what}: causal is ${String(causal)}, expected true or false`);
}

export function checkSizes(what: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(sizes))
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`${what}: ${name} is ${n}, expected a positive integer`);
}

/** D, and the numbers of a head. Throws a RangeError when the inputs do not divide. */
export function sizesOf(what: string, inputs: number, { tokens, heads, headSize }: SequenceOptions) {
  const width = widthOfTokens(what, inputs, tokens);
  if (headSize === undefined && width % heads !== 0)
    throw new RangeError(
      `${what}: tokens have ${width} numbers, expected a multiple of the ${heads} heads, or headSize`,
    );
  return { width, headSize: headSize ?? width / heads };
}

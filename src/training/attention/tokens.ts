import { scaled } from "../../linalg/contract.ts";
import { randomTensor } from "../../linalg/random.ts";
import { tensor } from "../../linalg/tensor.ts";
import { reshaped, widthOfTokens } from "../layers/chain.ts";
import type { Layer } from "../layers/layers.ts";
import { addRow } from "../tape/operations.ts";

/**
 * A vector of `width` numbers for each symbol: inputs are symbols, integers from 0, one or more a row; outputs their vectors, one after the
 * other. The table, symbols x width, is a passenger; it starts with normal entries of variance 1 / width.
 * Throws a RangeError when the sizes are not positive integers or an input is no symbol.
 */
export function embedding(symbols: number, width: number): Layer {
  checkSize("embedding: symbols", symbols);
  checkSize("embedding: width", width);
  return {
    name: `embedding of ${symbols} symbols`,
    sized: (inputs) => ({
      outputs: inputs * width,
      counts: { blocks: 0, passengers: 1 },
      check(x) {
        const bad = x.data.findIndex((v) => !(Number.isInteger(v) && v >= 0 && v < symbols));
        if (bad >= 0)
          throw new RangeError(
            `embedding: sample ${Math.floor(bad / inputs)} has symbol ${x.data[bad]}, expected an integer from 0 to ${symbols - 1}`,
          );
      },
      initial: (random) => ({
        blocks: [],
        passengers: [scaled(1 / Math.sqrt(width), randomTensor(random, [symbols, width]))],
      }),
      record(tape, x, { passengers }) {
        const table = passengers[0]!;
        const wanted = x.value.data;
        const value = tensor([x.value.shape[0]!, inputs * width]);
        for (let p = 0; p < wanted.length; p++)
          value.data.set(table.value.data.subarray(wanted[p]! * width, (wanted[p]! + 1) * width), p * width);
        return tape.record(value, table.isConstant, (d) => {
          const out = tensor([symbols, width]);
          for (let p = 0, q = 0; p < wanted.length; p++)
            for (let c = wanted[p]! * width; c < (wanted[p]! + 1) * width; c++, q++) out.data[c]! += d.data[q]!;
          tape.add(table, out);
        });
      },
    }),
  };
}

/**
 * Adds a vector for each place in a sequence, tokens x width, a passenger: without it attention sees a set. It starts with normal entries of
 * variance 1 / width. Throws a RangeError when the inputs are no multiple of the tokens.
 */
export const positions = (tokens: number): Layer => ({
  name: `${tokens} positions`,
  sized(inputs) {
    const width = widthOfTokens("positions", inputs, tokens);
    return {
      outputs: inputs,
      counts: { blocks: 0, passengers: 1 },
      initial: (random) => ({
        blocks: [],
        passengers: [scaled(1 / Math.sqrt(width), randomTensor(random, [tokens, width]))],
      }),
      record: (tape, x, { passengers }) => addRow(tape, x, reshaped(tape, passengers[0]!, [inputs])),
    };
  },
});

/**
 * A single token of each sequence, that at `index` from 0; counted from the end when negative. Default: the last.
 * Throws a RangeError when there is no such token, or the inputs are no multiple of the tokens.
 */
export function oneToken(tokens: number, index = -1): Layer {
  if (!Number.isSafeInteger(index) || index < -tokens || index >= tokens)
    throw new RangeError(`oneToken: index is ${index}, expected an integer from ${-tokens} to ${tokens - 1}`);
  return {
    name: `token ${index}`,
    sized(inputs) {
      const width = widthOfTokens("oneToken", inputs, tokens);
      const from = (index < 0 ? tokens + index : index) * width;
      return {
        outputs: width,
        counts: { blocks: 0, passengers: 0 },
        initial: () => ({ blocks: [], passengers: [] }),
        record(tape, x) {
          const samples = x.value.shape[0]!;
          const value = tensor([samples, width]);
          for (let s = 0; s < samples; s++)
            value.data.set(x.value.data.subarray(s * inputs + from, s * inputs + from + width), s * width);
          return tape.record(value, x.isConstant, (d) => {
            const out = tensor([samples, inputs]);
            for (let s = 0; s < samples; s++)
              out.data.set(d.data.subarray(s * width, (s + 1) * width), s * inputs + from);
            tape.add(x, out);
          });
        },
      };
    },
  };
}

function checkSize(what: string, n: number): void {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`${what} is ${n}, expected a positive integer`);
}

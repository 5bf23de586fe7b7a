import { seeded, tensor } from "../../src/index.ts";
import type { Dataset } from "../../src/training/index.ts";

export interface Recall {
  readonly pairs: number;
  /** How many keys and how many values there are. */
  readonly keys: number;
  readonly values: number;
  /**
   * Whether a token is a key with its value ("pairs": two unit vectors), or one symbol ("symbols": keys from 0, then values), so that what
   * belongs together is known from its place alone.
   */
  readonly tokens: "pairs" | "symbols";
}

/** Tokens of a sequence, and the numbers of a token in a row of inputs. */
export const sizesOfRecall = ({ pairs, keys, values, tokens }: Recall) =>
  tokens === "pairs" ? { tokens: pairs + 1, numbers: keys + values } : { tokens: 2 * pairs + 1, numbers: 1 };

/**
 * Associative recall: pairs of a key and a value, all keys of a sequence different, then one of its keys again; the class is the value that came with
 * it. Nothing but the sequence tells it: a model without attention is right once in as many times as there are pairs or values.
 */
export function recallData(recall: Recall, samples: number, seed: number): Dataset {
  const { pairs, keys, values } = recall;
  const random = seeded(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const { tokens, numbers } = sizesOfRecall(recall);
  const inputs = tensor([samples, tokens * numbers]);
  const targets = new Int32Array(samples);
  const all = Int32Array.from({ length: keys }, (_, i) => i);
  for (let s = 0; s < samples; s++) {
    const own = inputs.data.subarray(s * tokens * numbers, (s + 1) * tokens * numbers);
    const order = all.slice();
    const asked = below(pairs);
    for (let i = 0; i < pairs; i++) {
      const j = i + below(keys - i);
      [order[i], order[j]] = [order[j]!, order[i]!];
      const value = below(values);
      if (i === asked) targets[s] = value;
      if (recall.tokens === "symbols") own.set([order[i]!, keys + value], 2 * i);
      else for (const at of [order[i]!, keys + value]) own[i * numbers + at] = 1;
    }
    if (recall.tokens === "symbols") own[2 * pairs] = order[asked]!;
    else own[pairs * numbers + order[asked]!] = 1;
  }
  return { inputs, targets };
}

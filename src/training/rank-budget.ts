import { schmidtValues } from "../ttn/truncate.ts";
import type { TTN } from "../ttn/ttn.ts";

/**
 * The ranks of several matrices that keep the largest `budget` singular values of all of them together: where a weight has little to say,
 * another gets its rank. At least one each. Equal values go to the earlier matrix.
 * Throws a RangeError when the budget is no integer of at least the number of matrices, or a block is no matrix.
 * [schotthoefer2024geolora]
 */
export function ranksWithin(budget: number, blocks: readonly TTN[]): readonly number[] {
  if (!Number.isSafeInteger(budget) || budget < blocks.length)
    throw new RangeError(
      `ranksWithin: the budget is ${budget}, expected an integer of at least ${blocks.length}, a rank each`,
    );
  const values = blocks.flatMap((y, block) => {
    if (y.tree.order !== 2)
      throw new RangeError(`ranksWithin: block ${block} has ${y.tree.order} modes, expected a matrix`);
    const [row] = y.tree.leaves as [number];
    return [...schmidtValues(y, row)].map((value, k) => ({ block, value, isFirst: k === 0 }));
  });
  const ranks = blocks.map(() => 0);
  const order = values.toSorted((a, b) => Number(b.isFirst) - Number(a.isFirst) || b.value - a.value);
  for (const { block } of order.slice(0, budget)) ranks[block]!++;
  return ranks;
}

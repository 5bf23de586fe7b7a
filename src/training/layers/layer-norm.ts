import { shapeText, tensor } from "../../linalg/tensor.ts";
import type { Tape, Variable } from "../tape/tape.ts";
import type { Layer } from "./layers.ts";

/** Added to a variance before its root is taken. */
const epsilon = 1e-5;

/**
 * Z = gain o (X - mean) / sqrt(variance + 1e-5) + bias, mean and variance those of each row of X; gain and bias one number a column.
 * Throws a RangeError when these are no vectors of that length. [ba2016layer]
 */
export function normalizeRows(tape: Tape, x: Variable, gain: Variable, bias: Variable): Variable {
  const [rows, columns] = x.value.shape as [number, number];
  for (const [name, v] of Object.entries({ gain, bias }))
    if (shapeText(v.value.shape) !== String(columns))
      throw new RangeError(`normalizeRows: ${name} is ${shapeText(v.value.shape)}, the matrix ${rows}x${columns}`);
  const value = tensor([rows, columns]);
  const unit = tensor([rows, columns]);
  const deviation = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = x.value.data.subarray(i * columns, (i + 1) * columns);
    const mean = sum(columns, (j) => row[j]!) / columns;
    deviation[i] = Math.sqrt(sum(columns, (j) => (row[j]! - mean) ** 2) / columns + epsilon);
    for (let j = 0, p = i * columns; j < columns; j++, p++) {
      unit.data[p] = (row[j]! - mean) / deviation[i]!;
      value.data[p] = gain.value.data[j]! * unit.data[p]! + bias.value.data[j]!;
    }
  }
  return tape.record(value, x.isConstant && gain.isConstant && bias.isConstant, (d) => {
    const [byGain, byBias, byX] = [tensor([columns]), tensor([columns]), tensor([rows, columns])];
    const slope = new Float64Array(columns);
    for (let i = 0; i < rows; i++) {
      const u = unit.data.subarray(i * columns, (i + 1) * columns);
      for (let j = 0, p = i * columns; j < columns; j++, p++) {
        byGain.data[j]! += d.data[p]! * u[j]!;
        byBias.data[j]! += d.data[p]!;
        slope[j] = d.data[p]! * gain.value.data[j]!;
      }
      const along = [
        sum(columns, (j) => slope[j]!) / columns,
        sum(columns, (j) => slope[j]! * u[j]!) / columns,
      ] as const;
      for (let j = 0, p = i * columns; j < columns; j++, p++)
        byX.data[p] = (slope[j]! - along[0] - u[j]! * along[1]) / deviation[i]!;
    }
    tape.add(gain, byGain);
    tape.add(bias, byBias);
    tape.add(x, byX);
  });
}

/**
 * Layer normalisation: inputs to mean 0 and variance 1, then a gain and a bias for each, passengers that start at 1 and 0. For tokens, inside
 * `perToken`. [ba2016layer]
 */
export const layerNorm = (): Layer => ({
  name: "layer normalisation",
  sized: (inputs) => ({
    outputs: inputs,
    counts: { blocks: 0, passengers: 2 },
    initial: () => ({
      blocks: [],
      passengers: [tensor([inputs], "float64", new Float64Array(inputs).fill(1)), tensor([inputs])],
    }),
    record: (tape, x, { passengers }) => normalizeRows(tape, x, passengers[0]!, passengers[1]!),
  }),
});

function sum(n: number, term: (j: number) => number): number {
  let total = 0;
  for (let j = 0; j < n; j++) total += term(j);
  return total;
}

import { fromFunction, type Tensor } from "../../linalg/tensor.ts";

/** The n x n matrix with these diagonals, by offset (column - row): a number (constant) or n - |offset| values. */
export const banded = (n: number, diagonals: Readonly<Record<number, number | ArrayLike<number>>>): Tensor =>
  fromFunction([n, n], (i, j) => {
    const d = diagonals[j! - i!] ?? 0;
    return typeof d === "number" ? d : d[Math.min(i!, j!)]!;
  });

/** The diagonal matrix of these values. */
export const diagonal = (values: ArrayLike<number>): Tensor => banded(values.length, { 0: values });

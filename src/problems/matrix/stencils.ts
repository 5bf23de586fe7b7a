import { fromFunction, type Tensor } from "../../linalg/tensor.ts";

/** The n x n second difference (1, -2, 1) on a line with zeros beyond its ends, or on a ring. */
export const secondDifference = (n: number, ends: "zero" | "periodic" = "zero"): Tensor =>
  fromFunction([n, n], (i, j) => {
    const apart = Math.abs(i! - j!);
    const near = (apart === 1 ? 1 : 0) + (ends === "periodic" && apart === n - 1 ? 1 : 0);
    return near - (apart === 0 ? 2 : 0);
  });

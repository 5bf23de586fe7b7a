import { readFileSync } from "node:fs";

interface PlaneData {
  readonly parameters: { readonly tend: number };
  readonly E_quadrant: readonly (readonly number[])[];
  readonly Var_quadrant: readonly (readonly number[])[];
  readonly integrals: { readonly sum_E_dx2: number; readonly sum_Var_dx2: number };
}

/** Full-rank solution on 20 x 20 points, degree 5, 8 x 8 nodes, at the points with x, y > 0. */
export const planeOfReference = (): PlaneData =>
  JSON.parse(readFileSync(new URL("../../data/radiation_2d_small.json", import.meta.url), "utf8")) as PlaneData;

/** The points with x, y > 0 of a field on n x n points, n even. */
export const quadrant = (field: Float64Array, n: number): Float64Array => {
  const half = n / 2;
  return Float64Array.from(
    { length: half * half },
    (_, p) => field[(half + Math.floor(p / half)) * n + half + (p % half)]!,
  );
};

/** Relative error in the Euclidean norm. */
export const relativeError = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(difference / size);
};

import { type Nested, type Tree, tree } from "../../ttn/tree.ts";

/**
 * A binary tree over the pixels of an image, numbered row by row: the longer side is halved again and again, so that pixels below a node are a
 * rectangle. Throws a RangeError when a side is no positive integer.
 */
export function imageTree(height: number, width: number): Tree {
  checkSides("imageTree", height, width);
  const build = (top: number, left: number, rows: number, columns: number): Nested => {
    if (rows * columns === 1) return top * width + left;
    if (rows >= columns) {
      const half = Math.ceil(rows / 2);
      return [build(top, left, half, columns), build(top + half, left, rows - half, columns)];
    }
    const half = Math.ceil(columns / 2);
    return [build(top, left, rows, half), build(top, left + half, rows, columns - half)];
  };
  return tree(build(0, 0, height, width));
}

/**
 * A tensor train over the pixels of an image, row by row, with its root in the middle: nothing is further from it than half of the pixels.
 * Throws a RangeError when a side is no positive integer or there are fewer than two pixels.
 */
export function imageTrain(height: number, width: number): Tree {
  checkSides("imageTrain", height, width);
  const count = height * width;
  if (count < 2) throw new RangeError("imageTrain: there is one pixel, expected two or more");
  const half = Math.floor(count / 2);
  let first: Nested = 0;
  for (let j = 1; j < half; j++) first = [first, j];
  let last: Nested = count - 1;
  for (let j = count - 2; j >= half; j--) last = [j, last];
  return tree([first, last]);
}

function checkSides(what: string, height: number, width: number): void {
  for (const n of [height, width])
    if (!Number.isSafeInteger(n) || n < 1)
      throw new RangeError(`${what}: the image is ${height}x${width}, expected positive integers`);
}

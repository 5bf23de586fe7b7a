import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../src/linalg/current.ts";
import { NonFiniteError } from "../../src/linalg/errors.ts";
import { expm } from "../../src/linalg/expm.ts";
import { eigh, orthAug, qr, singularValues, svd, triangular } from "../../src/linalg/factor.ts";
import { type Tensor, tensor } from "../../src/linalg/tensor.ts";
import { everywhere, orthonormal, randomMatrix } from "./zoo.ts";

const routines: Readonly<Record<string, (a: Tensor) => unknown>> = { qr, triangular, svd, singularValues, eigh, expm };

describe.each(everywhere)("misuse on $name, $dtype", ({ name, dtype }) => {
  beforeAll(() => void useBackend(name));

  test.each(Object.keys(routines))("%s refuses NaN and infinity anywhere, and does not iterate for ever", (routine) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const length = randomMatrix(6, 6, dtype).data.length;
      for (let at = 0; at < length; at++) {
        const a = randomMatrix(6, 6, dtype, 51);
        a.data[at] = bad;
        expect(() => routines[routine]!(a)).toThrow(NonFiniteError);
      }
    }
  });

  test("orthAug refuses NaN and infinity anywhere in either operand", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
      for (const which of [0, 1])
        for (const at of [0, 1, 5, 11]) {
          const a = orthonormal(6, 2, dtype, 52);
          const b = randomMatrix(6, 2, dtype, 53);
          (which === 0 ? a : b).data[at] = bad;
          expect(() => orthAug(a, b)).toThrow(NonFiniteError);
        }
  });

  test.each(Object.keys(routines))("%s refuses what is not a matrix and names the shape", (routine) => {
    for (const shape of [[], [3], [2, 3, 4]])
      expect(() => routines[routine]!(tensor(shape, dtype))).toThrow(
        expect.objectContaining({ name: "RangeError", message: expect.stringContaining(shape.join("x")) }),
      );
  });

  test("a Hermitian eigenproblem and an exponential need a square matrix", () => {
    for (const routine of [eigh, expm]) expect(() => routine(tensor([2, 5], dtype))).toThrow(/2x5/);
  });

  test("orthAug names both shapes when they do not fit", () => {
    const cases = [
      [
        [5, 2],
        [4, 2],
      ],
      [[4, 2], [4]],
      [[4], [4, 2]],
      [
        [2, 0],
        [1, 1],
      ],
      [
        [2, 2, 1],
        [2, 2],
      ],
    ] as const;
    for (const [a, b] of cases) {
      const call = () => orthAug(tensor(a, dtype), tensor(b, dtype));
      expect(call).toThrow(RangeError);
      expect(call).toThrow(a.join("x"));
      expect(call).toThrow(b.join("x"));
    }
    expect(() => orthAug(tensor([2, 3], dtype), tensor([2, 1], dtype))).toThrow(/2x3/);
  });

  test("data of another length than the shape is refused", () => {
    const broken: Tensor = { dtype, shape: [3, 3], data: new Float64Array(4) };
    for (const routine of [qr, triangular, svd, singularValues, eigh])
      expect(() => routine(broken)).toThrow(RangeError);
  });
});

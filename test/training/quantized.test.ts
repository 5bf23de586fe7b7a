import { describe, expect, test } from "vitest";
import { parallelBug, toDense } from "../../src/index.ts";
import {
  type Base,
  decayingMatrix,
  dense,
  dequantized,
  factored,
  lowRank,
  meanSquaredError,
  merged,
  type QuantizedFormat,
  quantized,
  sequential,
  train,
} from "../../src/training/index.ts";
import { combine, difference, matmul, norm, randomTensor, seeded, singularValues, type Tensor } from "./tools.ts";

const formats: readonly [QuantizedFormat, number, number][] = [
  ["int8", 1 / 254, 8],
  ["int4", 1 / 14, 4],
  ["nf4", 0.152, 4],
];

describe("matrices in few bits", () => {
  const w = randomTensor(seeded(1), [70, 33]); // 2310 entries: 36 blocks of 64 and one of 6

  test.each(formats)(
    "%s: an entry is wrong by at most its share of the largest of its block",
    (format, share, bits) => {
      const q = quantized(w, { format });
      const back = dequantized(q);
      for (let b = 0; b < w.data.length; b += 64) {
        const part = w.data.subarray(b, b + 64);
        const largest = Math.max(...part.map(Math.abs));
        part.forEach((v, i) => {
          expect(Math.abs(back.data[b + i]! - v)).toBeLessThanOrEqual(largest * (share + 1e-7));
        });
      }
      expect(difference(back, w)).toBeGreaterThan(0.1 * share * norm(w)); // it does round
      expect(q.bytes).toBe((2310 * bits) / 8 + 4 * 37);
      expect(difference(dequantized(q, 20, 23), { ...w, shape: [3, 33], data: back.data.slice(660, 759) })).toBe(0);
      // what has been rounded stays as it is, but for the single precision of scales
      expect(difference(dequantized(quantized(back, q)), back)).toBeLessThan(1e-6 * norm(w));
    },
  );

  test("blocks of zeros, of one entry, and an odd number of half bytes", () => {
    const tiny: Tensor = { dtype: "float64", shape: [1, 3], data: Float64Array.of(0, 0, -5) };
    for (const [format] of formats) expect(dequantized(quantized(tiny, { format, block: 2 })).data).toEqual(tiny.data);
    expect(quantized(tiny, { format: "int4", block: 1 }).bytes).toBe(2 + 12);
  });

  test("the largest numbers of single precision are kept, those below its smallest count as zero", () => {
    const of = (...entries: number[]): Tensor => ({
      dtype: "float64",
      shape: [1, 2],
      data: Float64Array.from(entries),
    });
    for (const [format, share] of formats) {
      const largest = of(3.4e38, -1e38);
      const kept = dequantized(quantized(largest, { format }));
      expect(difference(kept, largest)).toBeLessThanOrEqual(3.4e38 * (share + 1e-7));
      for (const tiny of [3e-39, 1e-45, 1e-60]) // its nearest number of single precision may be wrong by half
        expect(norm(dequantized(quantized(of(tiny, -tiny / 2), { format })))).toBe(0);
    }
  });

  test("what is no finite matrix, and settings that make no sense, are refused", () => {
    expect(() => quantized(w, { format: "int2" as "int4" })).toThrow(
      'format is "int2", expected one of int8, int4, nf4',
    );
    expect(() => quantized(w, { block: 0 })).toThrow("quantized: block is 0, expected a positive integer");
    expect(() => quantized(randomTensor(seeded(1), [3]))).toThrow("quantized: the weight is 3 of float64");
    expect(() => quantized({ ...w, data: w.data.with(5, Number.NaN) })).toThrow("quantized: entry 5 is NaN");
    expect(() => quantized({ ...w, data: w.data.with(6, -1e39) })).toThrow(
      "quantized: entry 6 is -1e+39, expected finite numbers of single precision",
    );
  });
});

describe("adapters beside a base in few bits", () => {
  const random = seeded(4);
  const [exact, second, change, inputs] = [
    [70, 9],
    [6, 70],
    [70, 9],
    [80, 9],
  ].map((shape) => randomTensor(random, shape)) as [Tensor, Tensor, Tensor, Tensor];
  const targets = randomTensor(random, [80, 6]);

  test.each([
    ["lowRank", lowRank],
    ["factored", factored],
  ])("%s: a base that is not real or not finite is refused", (name, layer) => {
    const modelOf = (base: Base) => sequential(9, [layer(70, { base })], meanSquaredError());
    expect(() => modelOf(randomTensor(seeded(1), [70, 9], "complex128"))).toThrow(
      `${name}: the base is complex128, expected float64`,
    );
    expect(() => modelOf({ ...exact, data: exact.data.with(3, Number.NEGATIVE_INFINITY) })).toThrow(
      `${name}: the base has entry 3 = -Infinity, expected finite numbers`,
    );
    const kept = quantized(exact);
    expect(() => modelOf({ ...kept, scales: kept.scales.with(1, Number.NaN) })).toThrow(
      `${name}: the base has scale 1 = NaN, expected finite numbers`,
    );
  });

  test.each([
    ["lowRank", lowRank],
    ["factored", factored],
  ])("%s: outputs and derivatives are those of the matrix that is kept", (_, layer) => {
    const [first, next] = [exact, second].map((w) => quantized(w, { format: "nf4", block: 16 })) as [
      ReturnType<typeof quantized>,
      ReturnType<typeof quantized>,
    ];
    const modelOf = (isKept: boolean) =>
      sequential(
        9,
        [
          layer(70, { rank: 3, gain: 1, base: isKept ? first : dequantized(first), scale: 0.5 }),
          layer(6, { rank: 2, gain: 1, base: isKept ? next : dequantized(next) }), // its inputs have derivatives
        ],
        meanSquaredError(),
      );
    const [kept, plain] = [modelOf(true), modelOf(false)];
    const weights = kept.initial(seeded(2));
    expect(difference(kept.predict(weights, inputs), plain.predict(weights, inputs))).toBeLessThan(1e-12);
    const [a, b] = [kept, plain].map((model) => model.objective({ inputs, targets })(weights).passengers);
    a!.forEach((d, p) => {
      expect(difference(d, b![p]!)).toBeLessThan(1e-12);
    });
  });

  test("merging changes neither the sum, up to what the rank cannot tell, nor a base that is exact", () => {
    const weight = decayingMatrix(70, 9, 4, seeded(3), 1);
    const sum = (base: Tensor, w: Tensor): Tensor =>
      combine([
        [1, base],
        [0.5, w],
      ]);
    const base = quantized(exact, { format: "int4" });
    const before = sum(dequantized(base), toDense(weight));
    for (const rank of [2, 9]) {
      const { base: next, weight: rest } = merged(base, weight, { rank, scale: 0.5 });
      expect(next).toMatchObject({ format: "int4", block: 64 });
      const left = singularValues(
        combine([
          [1, before],
          [-1, dequantized(next)],
        ]),
      ).subarray(rank);
      expect(difference(sum(dequantized(next), toDense(rest)), before)).toBeCloseTo(Math.hypot(...left), 10);
    }
    const { base: whole, weight: nothing } = merged(exact, weight, { rank: 2, scale: 0.5 });
    expect(difference(whole, sum(exact, toDense(weight)))).toBeLessThan(1e-14);
    expect(norm(toDense(nothing))).toBeLessThan(1e-13);
    expect(() => merged(base, weight, { rank: 10 })).toThrow("merged: rank is 10, expected an integer from 1 to 9");
    expect(() => merged(base, decayingMatrix(9, 70, 4, seeded(3)), { rank: 2 })).toThrow(
      "merged: the base is 70x9, the weight 9x70",
    );
  });

  test("training that merges now and then learns a change of a rank that no adapter has", async () => {
    const wanted = matmul(
      inputs,
      combine([
        [1, exact],
        [1, change],
      ]),
      "N",
      "T",
    );
    const on = { inputs, targets: wanted };
    const adapter = (base: Parameters<typeof merged>[0]) =>
      sequential(9, [lowRank(70, { rank: 2, base, bias: false })], meanSquaredError());
    let base: Parameters<typeof merged>[0] = quantized(exact);
    let initial = adapter(base).initial(seeded(1));
    const options = { epochs: 20, batch: 80, rate: 20, integrator: parallelBug() };
    const losses: number[] = [];
    for (let round = 0; round < 6; round++) {
      const truncation = { tolerance: 1e-3, relative: true, maxRank: 2 };
      for await (const { loss, weights } of train(adapter(base), on, { ...options, initial, truncation })) {
        if (loss !== null) losses.push(loss);
        initial = weights;
      }
      const next: ReturnType<typeof merged> = merged(base, initial.blocks[0]!, { rank: 2 });
      base = next.base;
      initial = { ...initial, blocks: [next.weight] };
    }
    const gap = singularValues(change);
    const best = gap.subarray(2).reduce((sum, s) => sum + s * s, 0) / gap.reduce((sum, s) => sum + s * s, 0);
    expect(best).toBeGreaterThan(0.3); // of the change remains for the best of rank two
    expect(losses.at(-1)! / losses[0]!).toBeLessThan(0.05);
  });

  test("a base of another size is refused", () => {
    const base = quantized(exact);
    expect(() => sequential(9, [lowRank(7, { base })], meanSquaredError())).toThrow("the base is 70x9, expected 7x9");
    expect(dense(3).name).toBe("dense layer of 3");
  });
});

import { describe, expect, test } from "vitest";
import {
  balanced,
  denseOperator,
  entropy,
  expectation,
  norm,
  productSum,
  randomState,
  schmidtValues,
  schroedinger,
  seeded,
  stateAs,
  toDense,
  train,
  tree,
} from "../../src/index.ts";
import { matmul } from "../../src/linalg/contract.ts";
import { eigh } from "../../src/linalg/factor.ts";
import { dot } from "../../src/linalg/level1.ts";
import { asDtype, fromFunction, reshape, type Tensor, tensor } from "../../src/linalg/tensor.ts";
import {
  correlations,
  energy,
  entropies,
  exactSolution,
  heisenberg,
  longRangeIsing,
  longRangeIsingTerms,
  meanExpectation,
  parseSpinExpression,
  powerLaw,
  productExpectation,
  siteExpectations,
  spinChain,
  spinOperators,
  spinState,
  spinStates,
  stateNorm,
  xxz,
} from "../../src/problems/index.ts";
import { denseSum, distance, relative } from "../ttn/dense.ts";
import { at, denseOf, oracle, scaled, sum } from "./dense.ts";

const op = (name: string): Tensor => spinOperators[name]!;
const spins = (d: number): number[] => Array<number>(d).fill(2);

/** <y, A y> with the full matrix of one product of site operators, site 0 slowest. */
function denseExpectation(psi: Tensor, d: number, factors: Readonly<Record<number, Tensor>>): number {
  const matrix = denseSum(spins(d), [
    { coefficient: 1, factors: Object.entries(factors).map(([mode, operator]) => ({ mode: Number(mode), operator })) },
  ]);
  const x = reshape(asDtype(psi, "complex128"), [2 ** d, 1]);
  return dot(x, matmul(matrix, x)).re;
}

describe("spin operators", () => {
  test("the algebra of Pauli matrices", () => {
    const product = (a: string, b: string): Tensor => matmul(op(a), op(b));
    const near = (a: Tensor, b: Tensor): void => expect(distance(a, b)).toBe(0);
    for (const s of ["X", "Y", "Z"]) near(product(s, s), op("I"));
    near(
      product("X", "Y"),
      fromFunction([2, 2], (i, j) => ({ re: 0, im: i === j ? (i === 0 ? 1 : -1) : 0 })),
    );
    near(product("Sp", "Sm"), op("n"));
    near(
      matmul(op("Sp"), spinStates["down"] ? reshape(spinStates["down"], [2, 1]) : op("I")),
      reshape(spinStates["up"]!, [2, 1]),
    );
  });
});

describe("Hamiltonians", () => {
  test("the long-range Ising chain, term by term", () => {
    const [d, Omega, Delta, nu, alpha] = [5, 1.3, -0.7, 2.1, 1.7];
    let dense = scaled(at(0, d, oracle["X"]!), 0);
    for (let k = 0; k < d; k++) {
      dense = sum(dense, scaled(at(k, d, oracle["X"]!), Omega));
      dense = sum(dense, scaled(at(k, d, oracle["n"]!), Delta));
    }
    const terms = longRangeIsingTerms(d, { Omega, Delta, nu, alpha });
    const pairs = parseSpinExpression("sum(nu*n[i]*n[j]/abs(i-j)^alpha, i<j)", d, { parameters: { nu, alpha } });
    dense = sum(dense, denseOf(pairs, d));
    const difference = sum(denseOf(terms, d), scaled(dense, -1));
    expect(Math.max(...difference.flat().map(([re, im]) => Math.hypot(re, im)))).toBeLessThan(1e-13);
    for (const shape of [
      balanced(d),
      train(d),
      tree([
        [0, 1, 2],
        [3, 4],
      ]),
    ])
      expect(
        relative(
          reshape(denseOperator(longRangeIsing(shape, { Omega, Delta, nu, alpha })), [32, 32]),
          denseSum(spins(d), terms),
        ),
      ).toBeLessThan(1e-12);
  });

  test("anchors of the paper's chain: the energy of all spins up and the norm of H", () => {
    // ising.md 4.8
    for (const [d, e, size] of [
      [4, 12.66666666666669, 13.412304446363002],
      [8, 35.48571428571431, 36.5116],
    ] as const) {
      const h = longRangeIsing(balanced(d));
      expect(expectation(h, spinState(balanced(d), "up")).re).toBeCloseTo(e, 11);
      const { values } = eigh(denseSum(spins(d), longRangeIsingTerms(d)));
      expect(Math.max(...values.map(Math.abs))).toBeCloseTo(size, d === 4 ? 11 : 4);
    }
    expect(eigh(denseSum(spins(4), longRangeIsingTerms(4))).values[0]).toBeCloseTo(-2.1230857431622194, 11);
  });

  test("infinite alpha couples neighbours, zero couples all alike", () => {
    expect([...powerLaw(4, 3, Number.POSITIVE_INFINITY).data]).toEqual([
      0, 3, 0, 0, 3, 0, 3, 0, 0, 3, 0, 3, 0, 0, 3, 0,
    ]);
    expect([...powerLaw(3, 3, 0).data]).toEqual([0, 3, 3, 3, 0, 3, 3, 3, 0]);
    expect(powerLaw(3, 1, 2).data[2]).toBe(0.25);
  });

  test("XXZ and Heisenberg chains with fields", () => {
    const d = 4;
    const hx = [0.1, 0.2, 0.3, 0.4];
    const text =
      "J*sum(Sx[i]*Sx[i+1] + Sy[i]*Sy[i+1] + D*Sz[i]*Sz[i+1]) + 0.1*Sx[0] + 0.2*Sx[1] + 0.3*Sx[2] + 0.4*Sx[3] + 0.5*sum(Sz[i])";
    const terms = parseSpinExpression(text, d, { parameters: { J: 1.4, D: -0.6 } });
    const h = denseOperator(xxz(balanced(d), { J: 1.4, Delta: -0.6, hx, hz: 0.5 }));
    expect(relative(reshape(h, [16, 16]), denseSum(spins(d), terms))).toBeLessThan(1e-13);
    const plain = denseOperator(heisenberg(balanced(d), { J: 2 }));
    expect(distance(plain, denseOperator(xxz(balanced(d), { J: 2, Delta: 1 })))).toBe(0);
    // two spins: a singlet at -3/4 and a triplet at 1/4
    const { values } = eigh(reshape(asDtype(denseOperator(heisenberg(balanced(2))), "complex128"), [4, 4]));
    [-0.75, 0.25, 0.25, 0.25].forEach((v, k) => {
      expect(values[k]).toBeCloseTo(v, 13);
    });
  });

  test("numbers that make no sense are refused", () => {
    expect(() => longRangeIsing(balanced(4), { Omega: Number.NaN })).toThrow(
      "longRangeIsing: Omega is NaN, expected a finite number",
    );
    expect(() => longRangeIsing(balanced(4), { nu: Number.POSITIVE_INFINITY })).toThrow("nu is Infinity");
    expect(() => longRangeIsing(balanced(4), { alpha: -1 })).toThrow(
      "longRangeIsing: alpha is -1, expected zero or more, or Infinity",
    );
    expect(() => longRangeIsing(balanced(4), { alpha: Number.NaN })).toThrow("alpha is NaN");
    expect(() => xxz(balanced(4), { J: Number.NaN })).toThrow("xxz: J is NaN, expected a finite number");
    expect(() => xxz(balanced(2), { hz: [1, Number.NaN] })).toThrow("xxz: hz at site 1 is NaN");
    expect(() => xxz(balanced(4), { hx: [1, 2] })).toThrow("xxz: hx has 2 entries, the chain 4 sites");
  });

  test("one spin has no partner", () => {
    const h = longRangeIsing(tree(0), { Omega: 2, Delta: 3 });
    expect([...denseOperator(h).data]).toEqual([3, 2, 2, 0]);
  });
});

describe("spin states", () => {
  test("names, sites and patterns", () => {
    const psi = (which: string | string[], d = 2): number[] =>
      [...toDense(spinState(balanced(d), which)).data].filter((_, i) => i % 2 === 0);
    expect(psi("up")).toEqual([1, 0, 0, 0]);
    expect(psi("down")).toEqual([0, 0, 0, 1]);
    expect(psi("neel", 3)).toEqual([0, 0, 1, 0, 0, 0, 0, 0]);
    psi(["plus", "minus"]).forEach((v, k) => {
      expect(v).toBeCloseTo([0.5, -0.5, 0.5, -0.5][k]!, 15);
    });
  });

  test("random spins are products, of norm one, and repeatable", () => {
    const y = spinState(balanced(4), "random", 1, seeded(3));
    expect(norm(y)).toBeCloseTo(1, 14);
    expect(toDense(spinState(balanced(4), "random", 1, seeded(3))).data).toEqual(toDense(y).data);
    expect(toDense(spinState(balanced(4), "random", 1, seeded(4))).data).not.toEqual(toDense(y).data);
  });

  test("padded ranks leave the tensor as it is", () => {
    for (const rank of [1, 2, 5])
      expect(
        distance(toDense(spinState(balanced(5), "neel", rank)), toDense(spinState(balanced(5), "neel"))),
      ).toBeLessThan(1e-14);
  });

  test("an unknown name, or one too many", () => {
    expect(() => spinState(balanced(2), "sideways")).toThrow(
      'spinState: site 0 has the unknown state "sideways"; known: up, down, plus, minus, neel, random',
    );
    expect(() => spinState(balanced(2), ["up", "left"])).toThrow("site 1");
    expect(() => spinState(balanced(2), ["up"])).toThrow(/1 vectors/);
    expect(() => spinState(balanced(2), "constructor")).toThrow('unknown state "constructor"');
  });
});

describe("observables equal their dense definition, on a random complex state", () => {
  const d = 5;
  const shape = tree([
    [0, [3, 1]],
    [4, 2],
  ]); // modes out of order
  const y = randomState(shape, spins(d), 3, seeded(21), "complex128");
  const psi = toDense(y);
  const near = (a: number, b: number): void => expect(a).toBeCloseTo(b, 12);

  test.each(["X", "Y", "Z", "n"])("%s at every site, and its mean", (name) => {
    const found = siteExpectations(op(name))(y, 0) as Float64Array;
    const exact = Array.from({ length: d }, (_, k) => denseExpectation(psi, d, { [k]: op(name) }));
    found.forEach((v, k) => {
      near(v, exact[k]!);
    });
    near(meanExpectation(op(name))(y, 0) as number, exact.reduce((a, b) => a + b) / d);
  });

  test("products of site operators", () => {
    near(
      productExpectation({ 3: op("Y"), 0: op("X"), 4: op("n") })(y, 0) as number,
      denseExpectation(psi, d, { 0: op("X"), 3: op("Y"), 4: op("n") }),
    );
    near(productExpectation({})(y, 0) as number, 1);
  });

  test("correlations of all pairs, also of two different operators", () => {
    for (const [a, b] of [
      ["Z", "Z"],
      ["X", "Y"],
    ] as const) {
      const found = correlations(op(a), op(b))(y, 0) as Float64Array;
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++)
          near(
            found[d * i + j]!,
            denseExpectation(psi, d, i === j ? { [i]: matmul(op(a), op(b)) } : { [i]: op(a), [j]: op(b) }),
          );
    }
  });

  test("energy, norm and entropies", () => {
    const rhs = schroedinger(longRangeIsing(shape));
    const x = reshape(psi, [2 ** d, 1]);
    near(energy(rhs)(y, 0) as number, dot(x, matmul(denseSum(spins(d), longRangeIsingTerms(d)), x)).re);
    near(stateNorm(y, 0) as number, 1);
    const all = entropies()(y, 0) as Float64Array;
    expect(all).toHaveLength(8);
    all.forEach((s, id) => {
      near(s, entropy(y, id));
      near(s, -[...schmidtValues(y, id)].reduce((t, v) => (v > 0 ? t + v * v * Math.log(v * v) : t), 0));
      near(entropies(id)(y, 0) as number, s);
    });
  });

  test("an operator of another size is refused", () => {
    expect(() => siteExpectations(fromFunction([3, 3], () => 1))(y, 0)).toThrow(
      "site expectation: the operator is 3x3, the site has 2 states",
    );
  });

  test("energies of time-dependent Hamiltonians are those of the time asked for", () => {
    const rhs = schroedinger([{ operator: longRangeIsing(shape), coefficient: (t) => 1 + t }]);
    near(energy(rhs)(y, 2) as number, 3 * (energy(rhs)(y, 0) as number));
  });
});

describe("the full solution", () => {
  const d = 3;
  const terms = longRangeIsingTerms(d, { alpha: 2 });
  const start = toDense(stateAs(randomState(balanced(d), spins(d), 2, seeded(5), "complex128"), "complex128"));

  /** exp(-i t H) x by eigenvectors. */
  const evolved = (t: number): Tensor => {
    const { values, vectors } = eigh(denseSum(spins(d), terms));
    const c = matmul(vectors, reshape(start, [2 ** d, 1]), "C", "N");
    const phased = fromFunction([2 ** d, 1], (k) => {
      const [re, im] = [c.data[2 * k!]!, c.data[2 * k! + 1]!];
      const [cos, sin] = [Math.cos(values[k!]! * t), Math.sin(values[k!]! * t)];
      return { re: re * cos + im * sin, im: im * cos - re * sin };
    });
    return reshape(matmul(vectors, asDtype(phased, "complex128")), start.shape);
  };

  test("is that of the eigenvectors, in any order of times", () => {
    const exact = exactSolution(terms, start);
    for (const t of [0.3, 2, 1, 0, -0.5, 0.2, 0.2, 30])
      expect(distance(exact(t), evolved(t))).toBeLessThan(3e-12 * Math.max(1, Math.abs(t)));
    expect(exact(0).data).toEqual(start.data);
  });

  test("its results are values of their own", () => {
    const exact = exactSolution(terms, start);
    const before = start.data.slice();
    exact(1).data.fill(0);
    expect(distance(exact(1), evolved(1))).toBeLessThan(1e-11);
    expect(start.data).toEqual(before);
  });

  test("too large a tensor is refused", () => {
    expect(() => exactSolution([], tensor(Array<number>(13).fill(2)))).toThrow(/8192 entries, at most 4096/);
  });
});

test("a chain has the observables of the experiments", () => {
  const shape = balanced(3);
  const { observables, span, name } = spinChain(
    "chain",
    productSum(shape, spins(3), longRangeIsingTerms(3)),
    spinState(shape, ["up", "down", "plus"]),
    2,
  );
  expect({ span, name }).toEqual({ span: [0, 2], name: "chain" });
  const y = spinState(shape, ["up", "down", "plus"]);
  const value = (key: string) => observables[key]!(y, 0);
  [...(value("sz") as Float64Array)].forEach((v, k) => {
    expect(v).toBeCloseTo([1, -1, 0][k]!, 14);
  });
  [...(value("sx") as Float64Array)].forEach((v, k) => {
    expect(v).toBeCloseTo([0, 0, 1][k]!, 14);
  });
  expect(value("sz_mean")).toBeCloseTo(0, 14);
  expect(value("norm")).toBeCloseTo(1, 14);
});

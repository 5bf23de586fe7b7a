import { describe, expect, test } from "vitest";
import { augmentedBug, modeSizes, randomState, rk4, seeded, star, toDense, tree } from "../../../src/index.ts";
import { fromFunction, type Tensor } from "../../../src/linalg/tensor.ts";
import { type BurgersOptions, burgers } from "../../../src/problems/index.ts";
import { rhsContract } from "../../../src/testing/rhs-contract.ts";
import { finalOf } from "../../integrators/support.ts";
import { relative } from "../../ttn/dense.ts";

const inflow = 12;

/** Godunov's scheme for every node of the inputs on its own. */
const fullField = (_t: number, u: Tensor): Tensor => {
  const [nx, nxi, neta] = u.shape as [number, number, number];
  const nodes = nxi * neta;
  return fromFunction([nx, nxi, neta], (i, p, q) => {
    const at = i! * nodes + p! * neta + q!;
    const left = i === 0 ? inflow : u.data[at - nodes]!;
    return (-nx * (u.data[at]! ** 2 - left ** 2)) / 2;
  });
};

function runge(u: Tensor, h: number): Tensor {
  const along = (a: number, k: Tensor): Tensor => ({ ...u, data: u.data.map((v, i) => v + a * k.data[i]!) });
  const k1 = fullField(0, u);
  const k2 = fullField(0, along(h / 2, k1));
  const k3 = fullField(0, along(h / 2, k2));
  const k4 = fullField(0, along(h, k3));
  return {
    ...u,
    data: u.data.map((v, i) => v + (h / 6) * (k1.data[i]! + 2 * k2.data[i]! + 2 * k3.data[i]! + k4.data[i]!)),
  };
}

const distance = (a: Float64Array, b: Float64Array): number =>
  Math.hypot(...a.map((v, i) => v - b[i]!)) / Math.hypot(...b);

const worst = (a: Float64Array, b: Float64Array): number => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));

describe("Burgers' equation with an uncertain shock", () => {
  for (const shape of [tree([0, [1, 2]]), star(3)]) {
    const small = burgers({ tree: shape, nx: 6, nxi: 4, neta: 3 });
    const y = randomState(shape, modeSizes(small.initial), 2, seeded(3));
    describe(`local fields, ${JSON.stringify(shape.nodes.length)} nodes`, () => {
      for (const { name, run } of rhsContract(small.rhs, y, { dense: fullField })) test(name, run);
    });
  }

  test("the exact mean and variance are those of many samples", () => {
    const problem = burgers({ nx: 50 });
    for (const t of [0, 0.01]) {
      const { E, Var } = problem.exact(t);
      const count = 400;
      problem.grid.x.forEach((x, i) => {
        let [mean, square] = [0, 0];
        for (let p = 0; p < count; p++)
          for (let q = 0; q < count; q++) {
            const [xi, eta] = [(2 * p + 1) / count - 1, (2 * q + 1) / count - 1];
            const right = 1 + 2.5 * (1 + eta);
            const u = x < 0.3 + 0.2 * xi + ((12 + right) / 2) * t ? 12 : right;
            mean += u / count ** 2;
            square += u ** 2 / count ** 2;
          }
        expect(Math.abs(E[i]! - mean)).toBeLessThan(12 / count);
        expect(Math.abs(Var[i]! - (square - mean ** 2))).toBeLessThan(150 / count);
      });
    }
  });

  test("low rank is the full scheme up to truncation, and near the exact shock", async () => {
    const sizes: BurgersOptions = { nx: 80, nxi: 16, neta: 4 };
    const problem = burgers(sizes);
    const steps = Math.ceil(0.01 / problem.dt);
    const h = 0.01 / steps;
    const tolerance = 1e-4;
    const last = await finalOf(problem, {
      integrator: augmentedBug(),
      solver: rk4(),
      h,
      truncation: { tolerance, relative: true },
      observeAt: [0.01],
    });
    let full = toDense(problem.initial);
    for (let k = 0; k < steps; k++) full = runge(full, h);
    const error = relative(toDense(last.y), full);
    const exact = problem.exact(0.01);
    const [E, Var] = ["E", "Var"].map((name) => last.observables![name] as Float64Array);
    const [offE, offVar] = [distance(E!, exact.E), distance(Var!, exact.Var)];
    console.info(
      `Burgers: low rank off by ${error.toExponential(1)} of the scheme, E by ${offE.toExponential(1)} and Var by ${offVar.toExponential(1)} of the equation, ranks ${last.ranks}`,
    );
    // each step cuts at most the tolerance
    expect(error).toBeLessThan(steps * tolerance);
    // the share of nodes whose shock is on one side is off by a weight, and by the two cells that a shock is wide
    const share = Math.max(...problem.inputs[0]!.weights) + 2 / 80 / 0.4;
    const jump = 12 - 1;
    expect(worst(E!, exact.E)).toBeLessThan(share * jump);
    expect(worst(Var!, exact.Var)).toBeLessThan(share * jump ** 2);
    // what flows in and out: 12^2 / 2 on the left, the mean of u_R^2 / 2 on the right
    const before = problem.observables["mass"]!(problem.initial, 0) as number;
    const square = (6 ** 3 - 1) / (3 * 5);
    const expected = before + 0.01 * (72 - square / 2);
    expect(Math.abs((last.observables!["mass"] as number) - expected) / expected).toBeLessThan(steps * tolerance);
  });

  test("refuses what makes no sense", () => {
    expect(() => burgers({ cfl: 1.2 })).toThrow(/cfl is 1.2, expected more than 0 and at most 1/);
    expect(() => burgers({ right: [1, 13] })).toThrow(
      /u at the right is 13, expected more than 0 and less than left, 12/,
    );
    expect(() => burgers({ T: 0.1 })).toThrow(/the shock is in \[0.0.*, 1.4\] until T = 0.1/);
    expect(() => burgers({ nx: 1 })).toThrow(/nx is 1/);
    expect(() => burgers({ tree: star(4) })).toThrow(/the tree has 4 modes, expected 3/);
  });
});

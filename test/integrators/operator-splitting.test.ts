import { describe, expect, test } from "vitest";
import {
  euler,
  evolve,
  type Flow,
  linearRhs,
  type MethodName,
  methods,
  modeSizes,
  norm,
  operatorFlow,
  operatorSplitting,
  type ProductTerm,
  productSum,
  rk4,
  type Tensor,
  type Truncation,
  type TTN,
  toDense,
} from "../../src/index.ts";
import { combine } from "../../src/linalg/contract.ts";
import { asDtype, fromFunction } from "../../src/linalg/tensor.ts";
import { denseFlow, denseImage, distance, relative } from "../ttn/dense.ts";
import { type Slab, type SlabOptions, slab } from "./slab.ts";

const diagonal = (n: number, f: (i: number) => number): Tensor => fromFunction([n, n], (i, j) => (i === j ? f(i!) : 0));

/** The slab with streaming as its right-hand side, collisions left to a flow. */
function streamingSlab(options: SlabOptions): Slab {
  const whole = slab(options);
  const { tree } = whole.initial;
  return { ...whole, rhs: linearRhs([{ operator: productSum(tree, modeSizes(whole.initial), whole.streaming) }]) };
}

/** 1 on the density and B on all other moments, with B a product over modes. */
function onMoments(problem: Slab, factors: ProductTerm["factors"]): readonly ProductTerm[] {
  const n = modeSizes(problem.initial)[1]!;
  return [
    { coefficient: 1, factors: [{ mode: 1, operator: diagonal(n, (k) => (k === 0 ? 1 : 0)) }] },
    {
      coefficient: 1,
      factors: [...factors, { mode: 1, operator: diagonal(n, (k) => (k === 0 ? 0 : 1)) }].sort(
        (a, b) => a.mode - b.mode,
      ),
    },
  ];
}

const flowOf = (problem: Slab, terms: (h: number) => readonly ProductTerm[]): Flow =>
  operatorFlow((h) => productSum(problem.initial.tree, modeSizes(problem.initial), terms(h)));

/** Backward Euler for a constant sigma: every moment but the first is divided by 1 + h sigma. */
const backwardEuler = (problem: Slab, sigma: number) => (h: number) => {
  const [one, other] = onMoments(problem, []);
  return [one!, { ...other!, coefficient: 1 / (1 + h * sigma) }];
};

async function run(
  problem: Slab,
  flow: Flow,
  settings: {
    readonly h: number;
    readonly truncation: Truncation;
    readonly order?: "lie" | "strang";
    readonly method?: MethodName;
    readonly exact?: boolean;
  },
): Promise<TTN[]> {
  const { h, truncation, order = "lie", method = "augmented", exact = false } = settings;
  const integrator = operatorSplitting(methods[method], flow, { order });
  const all: TTN[] = [];
  for await (const { y } of evolve(problem, { integrator, h, truncation, solver: exact ? rk4() : euler() }))
    all.push(y);
  return all;
}

describe("collisions apart from streaming", () => {
  test("backward Euler for them is the IMEX Euler method on full tensors", async () => {
    const sigma = 3;
    const problem = streamingSlab({ T: 0.2 });
    const h = 0.5 * problem.dx;
    const states = await run(problem, flowOf(problem, backwardEuler(problem, sigma)), {
      h,
      truncation: { tolerance: 1e-9 },
    });
    let full = asDtype(toDense(problem.initial), "complex128");
    for (const y of states.slice(1)) {
      const streamed = combine([
        [1, full],
        [h, denseImage(problem.streaming, full)],
      ]);
      full = denseImage(backwardEuler(problem, sigma)(h), streamed);
      expect(relative(toDense(y), full)).toBeLessThan(1e-8);
    }
    console.info(`IMEX Euler: ${relative(toDense(states.at(-1)!), full).toExponential(1)}`);
  });

  test.each([
    ["augmented", "lie"],
    ["parallel", "lie"],
    ["predicted", "lie"],
    ["augmented", "strang"],
  ] as const)("the norm never rises however strong they are: %s, %s", async (method, order) => {
    for (const sigma of [0, 1, 1e3, 1e6, 1e12]) {
      const problem = streamingSlab({ T: 0.5 });
      const flow = flowOf(problem, backwardEuler(problem, sigma));
      const states = await run(problem, flow, { h: problem.dx, truncation: { tolerance: 1e-3 }, method, order });
      const norms = states.map(norm);
      norms.slice(1).forEach((v, k) => {
        expect(v).toBeLessThanOrEqual(norms[k]! * (1 + 1e-14));
      });
    }
  });

  test("a very strong scattering leaves the density alone, which then only feels the dissipation of the scheme", async () => {
    const problem = streamingSlab({ T: 0.5 });
    const h = 0.5 * problem.dx;
    const flow = flowOf(problem, backwardEuler(problem, 1e6));
    const y = (await run(problem, flow, { h, truncation: { tolerance: 1e-10 } })).at(-1)!;
    // the limit: u_0 <- u_0 + h D2 u_0 |A|_00, all other moments zero
    const [, upwind] = problem.streaming;
    const size = modeSizes(problem.initial)[1]!;
    const onDensity = diagonal(size, (k) => (k === 0 ? 1 : 0));
    let limit = asDtype(toDense(problem.initial), "complex128");
    for (let k = 0; k < Math.round(0.5 / h); k++)
      limit = combine([
        [1, limit],
        [
          h,
          denseImage([{ coefficient: 1, factors: [{ mode: 1, operator: onDensity }] }], denseImage([upwind!], limit)),
        ],
      ]);
    console.info(`limit of strong scattering: ${relative(toDense(y), limit).toExponential(1)}`);
    expect(relative(toDense(y), limit)).toBeLessThan(1 / (h * 1e6));
  });

  test("Lie's splitting is of order one, Strang's of order two, with the exact flow for uncertain collisions", async () => {
    const sigma = [5, 4, 1] as const;
    const problem = streamingSlab({ T: 0.25, nx: 11, moments: 4, nodes: [3, 2], sigma });
    const whole = slab({ T: 0.25, nx: 11, moments: 4, nodes: [3, 2], sigma });
    // sigma is a sum over the inputs, so that exp(-h sigma) is a product
    const [xi, eta] = [whole.terms[3]!, whole.terms[4]!].map((t) => t.factors.find((f) => f.mode > 1)!.operator);
    const decay = (h: number, c: number, nodes: typeof xi): Tensor => {
      const v = nodes as Tensor;
      return diagonal(v.shape[0]!, (i) => Math.exp(-h * c * v.data[i * v.shape[0]! + i]!));
    };
    const flow = flowOf(problem, (h) => {
      const [one, other] = onMoments(problem, [
        { mode: 2, operator: decay(h, sigma[1], xi as Tensor) },
        { mode: 3, operator: decay(h, sigma[2], eta as Tensor) },
      ]);
      return [one!, { ...other!, coefficient: Math.exp(-h * sigma[0]) }];
    });
    const apply = (_t: number, y: Tensor, out: Tensor): void => out.data.set(denseImage(whole.terms, y).data);
    const exact = denseFlow(apply, toDense(problem.initial), 0.25);
    for (const [order, expected] of [
      ["lie", 1],
      ["strang", 2],
    ] as const) {
      const errors: number[] = [];
      for (const h of [1 / 16, 1 / 32, 1 / 64]) {
        const states = await run(problem, flow, {
          h,
          order,
          exact: true,
          method: "predicted",
          truncation: { tolerance: 1e-10 },
        });
        errors.push(distance(toDense(states.at(-1)!), exact));
      }
      console.info(`${order}: ${errors.map((e) => e.toExponential(2)).join(", ")}`);
      expect(Math.log2(errors[0]! / errors[2]!) / 2).toBeGreaterThan(expected - 0.2);
    }
  });

  test("mass is kept through both parts", async () => {
    const problem = streamingSlab({ T: 1, periodic: true });
    const flow = flowOf(problem, backwardEuler(problem, 10));
    const truncation = { tolerance: 1e-2, conserved: [problem.mass] };
    const states = await run(problem, flow, { h: 0.5 * problem.dx, truncation });
    const massOf = (y: TTN): number => {
      const [w, e, a, b] = problem.mass.vectors as readonly Tensor[];
      const full = toDense(y);
      const [, m, p, q] = full.shape as [number, number, number, number];
      return full.data.reduce((sum, v, i) => {
        const [x, k, s, r] = [Math.floor(i / (m * p * q)), Math.floor(i / (p * q)) % m, Math.floor(i / q) % p, i % q];
        return sum + v * w!.data[x]! * e!.data[k]! * a!.data[s]! * b!.data[r]!;
      }, 0);
    };
    expect(Math.abs(massOf(states.at(-1)!) / massOf(states[0]!) - 1)).toBeLessThan(1e-13);
  });
});

test("misuse is refused", () => {
  const flow: Flow = (y) => y;
  expect(() => operatorSplitting(methods.augmented, flow, { order: "third" as "lie" })).toThrow(
    'operatorSplitting: order is "third", expected "lie" or "strang"',
  );
  expect(() => operatorSplitting(methods.augmented, 3 as unknown as Flow)).toThrow(TypeError);
  expect(() => operatorSplitting(undefined as unknown as typeof methods.augmented, flow)).toThrow(TypeError);
});

import type { Dtype, LocalField, LocalSolver, NodeId, Random, Rhs, Tensor, Tree, TTN } from "../../src/index.ts";
import { modesBelow, rootOf, toDense } from "../../src/index.ts";
import { combine, modeProduct, permute } from "../../src/linalg/contract.ts";
import { conj } from "../../src/linalg/level1.ts";
import { randomTensor } from "../../src/linalg/random.ts";
import { reshape, sizeOf, tensor } from "../../src/linalg/tensor.ts";
import type { Frame } from "../../src/linalg/workspace.ts";

/** The basis of everything below `node` as a matrix, rows by its modes in tree order. */
function below(y: TTN, node: NodeId): Tensor {
  const { mode, children } = y.tree.nodes[node]!;
  const t = y.tensors[node]!;
  if (mode !== null) return t;
  const full = children.reduce((x, child, i) => modeProduct(x, i, below(y, child)), t);
  return reshape(full, [sizeOf(full.shape.slice(0, -1)), full.shape.at(-1)!]);
}

/** The basis of everything but what lies below `node`, with the order of its modes. */
function beyond(y: TTN, node: NodeId): { basis: Tensor; modes: readonly number[] } {
  const { parent } = y.tree.nodes[node]!;
  if (parent === null) return { basis: tensor([1, 1], "float64", Float64Array.of(1)), modes: [] };
  const { children } = y.tree.nodes[parent]!;
  const here = children.indexOf(node);
  const up = beyond(y, parent);
  let t = modeProduct(y.tensors[parent]!, children.length, up.basis);
  children.forEach((child, i) => {
    if (i !== here) t = modeProduct(t, i, below(y, child));
  });
  const order = [...t.shape.map((_, k) => k).filter((k) => k !== here), here];
  const moved = permute(t, order);
  const modes = [...children.filter((c) => c !== node).flatMap((c) => modesBelow(y.tree, c)), ...up.modes];
  return { basis: reshape(moved, [sizeOf(moved.shape.slice(0, -1)), moved.shape.at(-1)!]), modes };
}

const adjointOf = (a: Tensor): Tensor => permute(conj(a), [1, 0]);

/** P(test)* T: a full tensor seen through the frame of a state centred at `node`. By the definition, with full bases. */
export function restriction(test: TTN, node: NodeId): (full: Tensor) => Tensor {
  const { mode, children } = test.tree.nodes[node]!;
  const groups = mode !== null ? [[mode]] : children.map((c) => modesBelow(test.tree, c));
  const outside = beyond(test, node);
  const bases = mode !== null ? [null] : children.map((c) => adjointOf(below(test, c)));
  const order = [...groups.flat(), ...outside.modes];
  return (full) => {
    const sizes = [
      ...groups.map((g) => sizeOf(g.map((m) => full.shape[m]!))),
      sizeOf(outside.modes.map((m) => full.shape[m]!)),
    ];
    const start = reshape(permute(full, order), sizes);
    const inside = bases.reduce<Tensor>((x, b, i) => (b ? modeProduct(x, i, b) : x), start);
    return modeProduct(inside, groups.length, adjointOf(outside.basis));
  };
}

/** Y' = G(t), whatever Y is, for a full tensor G; with a linear part when one is given. */
export function prescribed(dtype: Dtype, derivative: (t: number) => Tensor, linear?: Rhs): Rhs {
  return {
    dtype,
    check() {},
    bind(trial, node, test = trial): LocalField {
      const restrict = restriction(test, node);
      const part = linear?.bind(trial, node, test);
      const shapeOut = restrict(derivative(0)).shape;
      return {
        kind: "nonlinear",
        autonomous: false,
        dtype,
        shapeOut,
        plan(frame: Frame) {
          const apply = part?.plan(frame);
          return (t, x, out) => {
            if (apply) apply(t, x, out);
            else out.data.fill(0);
            const g = restrict(derivative(t));
            for (let i = 0; i < out.data.length; i++) out.data[i]! += g.data[i]!;
          };
        },
      };
    },
  };
}

/** A tree tensor network all of whose tensors move along straight lines: A(t), and A'(t) as a full tensor. */
export function movingState(tree: Tree, n: number, rank: number, random: Random, dtype: Dtype) {
  const shapes = tree.nodes.map(({ children, parent }) => {
    const out = parent === null ? 1 : rank;
    return children.length === 0 ? [n, out] : [...children.map(() => rank), out];
  });
  const start = shapes.map((s) => randomTensor(random, s, dtype));
  const velocity = shapes.map((s) => randomTensor(random, s, dtype));
  const center = rootOf(tree);
  const tensorsAt = (t: number): Tensor[] =>
    start.map((s, id) =>
      combine([
        [1, s],
        [t, velocity[id]!],
      ]),
    );
  const scaleBy = 1 / Math.hypot(...toDense({ tree, tensors: start, center }).data);
  const at = (t: number): TTN => {
    const tensors = tensorsAt(t);
    return { tree, tensors: tensors.with(center, combine([[scaleBy, tensors[center]!]])), center };
  };
  const known = new Map<number, Tensor>();
  const derivative = (t: number): Tensor => known.get(t) ?? remember(t);
  const remember = (t: number): Tensor => {
    const { tensors } = at(t);
    const moved = velocity.map((v, id) =>
      toDense({ tree, tensors: tensors.with(id, id === center ? combine([[scaleBy, v]]) : v), center }),
    );
    known.set(t, combine(moved.map((m) => [1, m] as const)));
    return known.get(t)!;
  };
  return { at, derivative };
}

const gauss: readonly (readonly [number, number])[] = [
  [0, 128 / 225],
  ...[-1, 1].flatMap((sign) => [
    [(sign / 3) * Math.sqrt(5 - 2 * Math.sqrt(10 / 7)), (322 + 13 * Math.sqrt(70)) / 900] as const,
    [(sign / 3) * Math.sqrt(5 + 2 * Math.sqrt(10 / 7)), (322 - 13 * Math.sqrt(70)) / 900] as const,
  ]),
];

/** Integrates fields that do not depend on X exactly, when they are polynomials in t of degree up to 9. */
export const quadrature: LocalSolver = {
  name: "Gauss quadrature",
  order: Number.POSITIVE_INFINITY,
  solve({ field, initial, t0, t1 }) {
    const final = tensor(initial.shape, field.dtype, initial.data.slice());
    const out = tensor(initial.shape, field.dtype);
    const g = field.plan(noFrame);
    const h = t1 - t0;
    for (const [x, w] of gauss) {
      g(t0 + (h * (1 + x)) / 2, final, out);
      for (let i = 0; i < out.data.length; i++) final.data[i]! += (h / 2) * w * out.data[i]!;
    }
    return { final, applications: gauss.length, errorEstimate: 0, converged: true };
  },
};

const noFrame: Frame = {
  take: (shape, dtype) => tensor(shape, dtype),
  hold: (t) => tensor(t.shape, t.dtype, t.data.slice()),
  within: (t) => t,
  [Symbol.dispose]() {},
};

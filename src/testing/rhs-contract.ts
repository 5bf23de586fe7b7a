import fc from "fast-check";
import { augment, inBases } from "../integrators/augment.ts";
import { block, combine, gramAllBut, matmul, pad, permute } from "../linalg/contract.ts";
import { dot, norm as frobenius } from "../linalg/level1.ts";
import { randomTensor, seeded } from "../linalg/random.ts";
import { allFinite, type Complex, copy, type Scalar, shapeText, type Tensor, tensor, times } from "../linalg/tensor.ts";
import { workspace } from "../linalg/workspace.ts";
import { toDense } from "../ttn/arithmetic.ts";
import { fromDense } from "../ttn/construct.ts";
import { asBasis, centers, childIndex } from "../ttn/gauge.ts";
import { restrict } from "../ttn/restrict.ts";
import type { LocalField, Rhs } from "../ttn/rhs.ts";
import { type NodeId, nestedOf, rootOf } from "../ttn/tree.ts";
import { modeSizes, ranks, type TTN, withTensor } from "../ttn/ttn.ts";
import type { ContractTest } from "./contract-test.ts";
import { distance } from "./march.ts";
import { type CheckOptions, type Finding, search } from "./search.ts";

/** Options of `rhsContract`. */
export interface RhsContractOptions extends CheckOptions {
  /** Name for messages. Default "right-hand side". */
  readonly name?: string;
  /** F(t, Y) of the full tensor, to compare with; without it, local fields are compared with each other. */
  readonly dense?: (t: number, y: Tensor) => Tensor;
  /** The time at which fields are evaluated. Default 0.3. */
  readonly t?: number;
  /** Relative difference that is round-off. Default 1e-10. */
  readonly tolerance?: number;
}

/** Where a field is looked at, with random numbers from a seed. */
interface Place {
  readonly node: NodeId;
  readonly seed: number;
}

/**
 * What integrators rely on in a right-hand side, for states like `y`: local fields at every node are one F seen through frames, also
 * through wider ones, and are what their kind says. A list of named tests, for any test runner.
 */
export function rhsContract(rhs: Rhs, y: TTN, options: RhsContractOptions = {}): readonly ContractTest[] {
  const { name = "right-hand side", t = 0.3, tolerance = 1e-10, dense } = options;
  const root = rootOf(y.tree);
  const at = centers(y);
  const size = frobenius(at[root]!.tensors[root]!);
  const prepare = (): void => {
    rhs.check(at[root]!);
    rhs.beginStep?.(0, t);
  };
  const drawn = (place: Place, shape: readonly number[], dtype = y.tensors[0]!.dtype, stream = 0): Tensor => {
    const x = randomTensor(seeded(place.seed + stream), shape, dtype);
    return combine([[size / frobenius(x), x]]);
  };
  const start = (place: Place, stream = 0): Tensor => {
    const c = at[place.node]!.tensors[place.node]!;
    return drawn(place, c.shape, c.dtype, stream);
  };
  /** P(test)* F(t, P X), and the same through frames that are wider below the node. */
  const through = {
    narrow: (node: NodeId) => rhs.bind(at[node]!, node),
    wide: (place: Place) => {
      const wide = widened(at[root]!, place);
      return { wide, both: rhs.bind(wide, place.node), test: rhs.bind(at[place.node]!, place.node, wide) };
    },
  };
  const fieldAt = (node: NodeId): LocalField => through.narrow(node);

  const test = (
    promise: string,
    measure: (place: Place) => Finding,
    only?: (field: LocalField) => boolean,
  ): ContractTest => ({
    name: promise,
    run: async () => {
      prepare();
      if (only && !only(fieldAt(root))) return;
      await search<Place>(
        {
          promise,
          subject: name,
          cases: fc.record({ node: fc.nat(root), seed: fc.nat(1000) }),
          numRuns: 2 * (root + 1),
          describe: ({ node, seed }) =>
            `node ${node} of tree ${JSON.stringify(nestedOf(y.tree))}, sizes ${shapeText(modeSizes(y))}, ranks ${ranks(y).join(" ")}, ` +
            `t = ${t}, numbers from seed ${seed}`,
          measure,
        },
        options,
      );
    },
  });
  const close = (a: Tensor, b: Tensor): Finding => ({ measured: relativeDistance(a, b), demanded: tolerance });
  const isLinear = ({ kind }: LocalField): boolean => kind !== "nonlinear";

  return [
    test("local fields have the shapes and types they say", (place) => {
      const x = start(place);
      const field = fieldAt(place.node);
      const g = value(field, t, x);
      const fits = shapeText(field.shapeOut) === shapeText(x.shape) && field.dtype === x.dtype && allFinite(g);
      return { measured: fits ? 0 : 1, demanded: 0 };
    }),
    ...(dense
      ? [
          test("local fields are F of the full tensor, seen through the frame", (place) => {
            const x = start(place);
            const { node } = place;
            const { wide, test: wideTest } = through.wide(place);
            const full = dense(t, toDense(withTensor(at[node]!, node, x)));
            const f = fromDense(y.tree, full);
            const narrow = relativeDistance(value(fieldAt(node), t, x), restrict(f, at[node]!, node));
            const wider = relativeDistance(value(wideTest, t, x), restrict(f, wide, node));
            return { measured: Math.max(narrow, wider), demanded: tolerance, numbers: { narrow, wider } };
          }),
        ]
      : []),
    test("neighbours see the same F on the edge between them", ({ node }) => {
      const { parent } = y.tree.nodes[node]!;
      if (parent === null) return { measured: 0, demanded: tolerance };
      const [child, above] = [at[node]!, at[parent]!];
      const below = value(fieldAt(node), t, child.tensors[node]!);
      const up = value(fieldAt(parent), t, above.tensors[parent]!);
      const fromBelow = matmul(asBasis(above.tensors[node]!), asBasis(below), "C", "N");
      const fromAbove = gramAllBut(child.tensors[parent]!, up, childIndex(y.tree, node));
      return close(fromBelow, permute(fromAbove, [1, 0]));
    }),
    test("wider bases show more of the same F", (place) => {
      const x = start(place);
      const { wide, both, test: wideTest } = through.wide(place);
      const padded = pad(x, wide.tensors[place.node]!.shape);
      const g = value(both, t, padded);
      const zero = x.shape.map(() => 0);
      const narrow = relativeDistance(block(g, zero, x.shape), value(fieldAt(place.node), t, x));
      const wider = relativeDistance(value(wideTest, t, x), g);
      return { measured: Math.max(narrow, wider), demanded: tolerance, numbers: { narrow, wider } };
    }),
    test("planning again gives the same bits, whatever the result held, and leaves the argument alone", (place) => {
      const x = start(place);
      const kept = copy(x);
      const field = fieldAt(place.node);
      const [first, again] = [value(field, t, x, Number.NaN), value(field, t, x, 7)];
      const fresh = value(fieldAt(place.node), t, x, 0);
      const differences = [again, fresh].filter((g) => !sameBits(g, first)).length + Number(!sameBits(x, kept));
      return { measured: differences, demanded: 0 };
    }),
    test(
      "autonomous fields do not depend on time",
      (place) => {
        const [field, x] = [fieldAt(place.node), start(place)];
        return { measured: sameBits(value(field, t, x), value(field, t + 1, x)) ? 0 : 1, demanded: 0 };
      },
      ({ autonomous }) => autonomous,
    ),
    test(
      "linear fields are linear",
      (place) => {
        const [field, x, z] = [fieldAt(place.node), start(place), start(place, 1)];
        const a: Scalar = x.dtype === "complex128" ? { re: 0.6, im: -0.8 } : -0.6;
        const g = value(
          field,
          t,
          combine([
            [a, x],
            [2, z],
          ]),
        );
        return close(
          g,
          combine([
            [a, value(field, t, x)],
            [2, value(field, t, z)],
          ]),
        );
      },
      isLinear,
    ),
    test(
      "fields that are a multiple of a Hermitian operator are so",
      (place) => {
        const [field, x, z] = [fieldAt(place.node), start(place), start(place, 1)];
        const back: Complex = { re: field.phase!.re, im: -field.phase!.im };
        const [gx, gz] = [value(field, t, x), value(field, t, z)];
        const left = times(back, dot(x, gz));
        const right = times(back, dot(z, gx));
        const scale = frobenius(x) * frobenius(gz) + frobenius(z) * frobenius(gx);
        const defect = Math.hypot(left.re - right.re, left.im + right.im);
        return { measured: scale > 0 ? defect / scale : 0, demanded: tolerance };
      },
      ({ kind }) => kind === "linear-hermitian",
    ),
    test(
      "increments are integrals of the field",
      (place) => {
        const [field, x] = [fieldAt(place.node), start(place)];
        const out = tensor(field.shapeOut, field.dtype);
        field.increment!(t, t + 0.01, out);
        return {
          measured: relativeDistance(out, integral(field, t, t + 0.01, x)),
          demanded: Math.max(tolerance, 1e-8),
        };
      },
      ({ increment }) => increment !== undefined,
    ),
  ];
}

/** g(t, x), written over a tensor full of `before`. */
function value(field: LocalField, t: number, x: Tensor, before = Number.NaN): Tensor {
  using frame = workspace().frame();
  const out = tensor(field.shapeOut, field.dtype);
  out.data.fill(before);
  field.plan(frame)(t, x, out);
  return out;
}

/** |a - b| over the larger norm; NaN stays. */
function relativeDistance(a: Tensor, b: Tensor): number {
  if (shapeText(a.shape) !== shapeText(b.shape)) return Number.POSITIVE_INFINITY;
  return distance(a, b) / (Math.max(frobenius(a), frobenius(b)) || 1);
}

const sameBits = (a: Tensor, b: Tensor): boolean => a.data.every((v, i) => Object.is(v, b.data[i]));

/** The state seen from a node, all bases below it grown by random directions, as integrators grow them. */
function widened(y: TTN, { node, seed }: Place): TTN {
  const random = seeded(seed + 2);
  const bases: Tensor[] = [];
  y.tree.nodes.forEach(({ children }, id) => {
    const old = y.tensors[id]!;
    const below = children.length > 0 ? children.map((c) => bases[c]!.shape.at(-1)!) : [old.shape[0]!];
    if (id === rootOf(y.tree)) return;
    bases[id] = augment(old, randomTensor(random, [...below, old.shape.at(-1)!], old.dtype), 0).basis;
  });
  return inBases(y, node, bases);
}

/** The integral of a field over time by Simpson's rule in sixteen parts. */
function integral(field: LocalField, t0: number, t1: number, x: Tensor): Tensor {
  const parts = 16;
  const h = (t1 - t0) / parts;
  return combine(
    Array.from({ length: 2 * parts + 1 }, (_, k) => {
      const weight = k === 0 || k === 2 * parts ? 1 : k % 2 === 1 ? 4 : 2;
      return [(weight * h) / 6, value(field, t0 + (k * h) / 2, x)] as const;
    }),
  );
}

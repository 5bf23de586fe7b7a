import { block, gramAllBut, permute, place, scaled } from "../../linalg/contract.ts";
import { type KroneckerTerm, kroneckerSum, planKroneckerSum } from "../../linalg/kronecker-sum.ts";
import { conj } from "../../linalg/level1.ts";
import type { Matrix } from "../../linalg/matrix.ts";
import { symmetryOf } from "../../linalg/matrix-checks.ts";
import { denseOf } from "../../linalg/matrix-product.ts";
import {
  asDtype,
  type Complex,
  commonDtype,
  complex,
  type Dtype,
  identity,
  type Scalar,
  type Tensor,
  tensor,
  times,
} from "../../linalg/tensor.ts";
import { workspace } from "../../linalg/workspace.ts";
import { modeTowards } from "../gauge.ts";
import { growthOf } from "../growth.ts";
import type { NodeId } from "../tree.ts";
import type { TTN } from "../ttn.ts";
import { type CoreEntry, dtypeOfOperator, entriesOf, type TTNO } from "./ttno.ts";

/** One operator component seen through a frame: a matrix (test rank x trial rank), or a multiple of the identity. */
export type Component = { readonly matrix: Matrix } | { readonly scalar: Complex };

/** All that lies behind one direction of an edge, contracted with the operator: one matrix for each of its components. */
export interface Environment {
  readonly components: readonly Component[];
  /** Whether test and trial are the same behind the edge, so that their overlap is the identity. */
  readonly same: boolean;
  /** Rank of the edge, on the side of the trial state. */
  readonly rank: number;
  /** For a basis [U0, Ut] the environment of U0, the leading block of this one. */
  readonly grownFrom?: Environment;
}

interface Known {
  readonly node: NodeId;
  readonly mode: number;
  readonly test: Tensor;
  readonly around: readonly Environment[];
  readonly value: Environment;
}

/**
 * The environments of an operator between states whose centre lies ahead. They are remembered for as long as the tensors
 * they were made of live: asked again for a state that shares the tensors behind an edge, nothing is computed. For a basis that has
 * grown, [U0, Ut], only the new columns are contracted of the components that are Hermitian or skew-Hermitian, since U0's own
 * block is known and the new rows are the adjoint of the new columns, or minus that: less than half the work.
 */
export class Environments {
  readonly #operator: TTNO;
  readonly #dtype: Dtype;
  readonly #entries: readonly (readonly CoreEntry[])[];
  readonly #known = new WeakMap<Tensor, Known[]>();
  readonly #physical: readonly (Environment | null)[];
  readonly #symmetries: readonly (readonly Symmetry[])[];
  readonly #sorted: (readonly CoreEntry[])[][][] = [];

  constructor(operator: TTNO) {
    this.#operator = operator;
    this.#dtype = dtypeOfOperator(operator);
    this.#entries = operator.tree.nodes.map((_, id) => entriesOf(operator, id));
    this.#symmetries = symmetriesOf(operator);
    this.#physical = operator.tree.nodes.map(({ mode }, id) =>
      mode === null
        ? null
        : {
            same: true,
            rank: operator.modeSizes[mode]!,
            components: operator.matrices[id]!.map((matrix, a) =>
              operator.identities[id] === a ? { scalar: { re: 1, im: 0 } } : { matrix },
            ),
          },
    );
  }

  /** The environments around a node, mode by mode, for a trial (and test) state centred there. */
  around(trial: TTN, node: NodeId, test: TTN = trial): readonly Environment[] {
    const { children, parent } = this.#operator.tree.nodes[node]!;
    const found =
      children.length > 0 ? children.map((c) => this.#behind(trial, test, c, node)) : [this.#physical[node]!];
    found.push(parent === null ? outside : this.#behind(trial, test, parent, node));
    return found;
  }

  /** Terms of the operator's core at a node in these environments: what acts on the tensor there. */
  terms(node: NodeId, around: readonly Environment[]): KroneckerTerm[] {
    return this.#entries[node]!.flatMap((entry) => kroneckerTerm(entry, around) ?? []);
  }

  /** Contracts everything behind the edge from `node` towards its neighbour `to`. */
  #behind(trial: TTN, test: TTN, node: NodeId, to: NodeId): Environment {
    const { children, parent, mode: leafMode } = this.#operator.tree.nodes[node]!;
    const open = modeTowards(this.#operator.tree, node, to);
    const around: Environment[] = [];
    if (leafMode !== null) around.push(this.#physical[node]!);
    else for (const child of children) around.push(child === to ? ahead : this.#behind(trial, test, child, node));
    if (parent === to) around.push(ahead);
    else around.push(parent === null ? outside : this.#behind(trial, test, parent, node));

    return this.#lookUp(node, open, trial.tensors[node]!, test.tensors[node]!, around);
  }

  #lookUp(node: NodeId, mode: number, ket: Tensor, bra: Tensor, around: readonly Environment[]): Environment {
    let list = this.#known.get(ket);
    if (!list) {
      list = [];
      this.#known.set(ket, list);
    }
    for (const k of list)
      if (k.test === bra && k.node === node && k.mode === mode && k.around.every((e, i) => e === around[i]))
        return k.value;
    const value = this.#contract(node, mode, ket, bra, around);
    list.push({ node, mode, test: bra, around, value });
    return value;
  }

  #contract(node: NodeId, open: number, ket: Tensor, bra: Tensor, around: readonly Environment[]): Environment {
    const same = ket === bra && around.every((e) => e.same);
    const symmetries = this.#symmetries[node]!;
    const growth = same && open === ket.shape.length - 1 && symmetries.some((s) => s !== 0) ? growthOf(ket) : undefined;
    const corners = growth && around.map((e, k) => (k === open ? e : cornerOf(e, growth.old.shape[k]!)));
    const grownFrom = corners?.every((e) => e !== null)
      ? this.#lookUp(node, open, growth!.old, growth!.old, corners)
      : null;
    const dtype = commonDtype(ket.dtype, bra.dtype, this.#dtype);
    using frame = workspace().frame();
    const y = frame.hold(bra, dtype);
    const whole = bra === ket || (grownFrom && !symmetries.includes(0)) ? y : frame.hold(ket, dtype);
    const fresh = grownFrom && frame.hold(growth!.fresh, dtype);
    const components = this.#byComponent(node, open).map((entries, c): Component => {
      const terms = entries.flatMap((e) => kroneckerTerm(e, around) ?? []);
      if (terms.length === 0) return { scalar: { re: 0, im: 0 } };
      if (same && terms.every((t) => t.matrices.every((m) => m === null)))
        return { scalar: terms.reduce((s, t) => plus(s, complex(t.coefficient)), { re: 0, im: 0 }) };
      using inner = workspace().frame();
      const symmetry = symmetries[c]!;
      const isKnown = fresh && symmetry !== 0;
      const x = isKnown ? fresh : whole;
      const map = kroneckerSum(x.shape, terms, dtype);
      const image = inner.take(map.shapeOut, dtype);
      planKroneckerSum(map, inner)(unit, x, 0, image);
      const matrix = gramAllBut(y, image, open);
      return { matrix: isKnown ? bordered(grownFrom.components[c]!, matrix, symmetry) : matrix };
    });
    return { components, same, rank: ket.shape[open]!, ...(grownFrom ? { grownFrom } : {}) };
  }

  /** Entries of a node's core by their component on one of its modes. */
  #byComponent(node: NodeId, mode: number): readonly (readonly CoreEntry[])[] {
    this.#sorted[node] ??= [];
    const lists = this.#sorted[node];
    const { ranks, tree } = this.#operator;
    const { children } = tree.nodes[node]!;
    const count = mode < children.length ? ranks[children[mode]!]! : ranks[node]!;
    lists[mode] ??= Array.from({ length: count }, (_, c) => this.#entries[node]!.filter((e) => e.index[mode] === c));
    return lists[mode];
  }
}

/** The environment whose matrices are the leading blocks of this size, if that is known. */
function cornerOf(e: Environment, size: number): Environment | null {
  let found: Environment | undefined = e;
  while (found && found.rank > size) found = found.grownFrom;
  return found?.rank === size ? found : null;
}

/** The matrix whose new columns (and, by symmetry, rows) are `columns`, with the old component in its corner. */
function bordered(old: Component, columns: Tensor, symmetry: 1 | -1): Tensor {
  const [size, fresh] = columns.shape as [number, number];
  const before = size - fresh;
  const out = tensor([size, size], columns.dtype);
  const corner = "matrix" in old ? denseOf(old.matrix) : scaled(old.scalar, identity(before, out.dtype));
  place(asDtype(corner, out.dtype), out, [0, 0]);
  place(columns, out, [0, before]);
  const above = permute(conj(block(columns, [0, 0], [before, fresh])), [1, 0]);
  place(symmetry === 1 ? above : scaled(-1, above), out, [before, 0]);
  return out;
}

/** 1: Hermitian, -1: skew-Hermitian, 0: neither. */
type Symmetry = 1 | -1 | 0;

/** The symmetry of every component of every node: of the matrices at leaves, of sums of products of such above. */
function symmetriesOf(h: TTNO): readonly (readonly Symmetry[])[] {
  const known: Symmetry[][] = [];
  h.tree.nodes.forEach(({ mode, children }, id) => {
    const ofTerm = ({ index, value }: CoreEntry): Symmetry => {
      const { re, im } = complex(value);
      const own = im === 0 ? 1 : re === 0 ? -1 : 0;
      return children.reduce<number>((all, child, k) => all * known[child]![index[k]!]!, own) as Symmetry;
    };
    known[id] =
      mode !== null
        ? h.matrices[id]!.map(symmetryOf)
        : Array.from({ length: h.ranks[id]! }, (_, c) => {
            const [first = 1, ...others] = h.cores[id]!.filter((e) => e.index.at(-1) === c).map(ofTerm);
            return others.every((s) => s === first) ? first : 0;
          });
  });
  return known;
}

const unit: Complex = { re: 1, im: 0 };
/** Beyond the root there is nothing: one component, the number 1. */
const outside: Environment = { components: [{ scalar: unit }], same: true, rank: 1 };
/** The open edge itself: whatever component, the identity. */
const ahead: Environment = { components: [], same: true, rank: 0 };

const plus = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });

/** One entry of a core with its components filled in; null when one of them vanishes. */
function kroneckerTerm({ index, value }: CoreEntry, around: readonly Environment[]): KroneckerTerm | null {
  let coefficient: Scalar = value;
  const matrices: (Matrix | null)[] = [];
  for (let k = 0; k < around.length; k++) {
    const component = around[k]!.components[index[k]!];
    if (component && "scalar" in component) coefficient = times(coefficient, component.scalar);
    matrices.push(component && "matrix" in component ? component.matrix : null);
  }
  const { re, im } = complex(coefficient);
  return re === 0 && im === 0 ? null : { coefficient, matrices };
}

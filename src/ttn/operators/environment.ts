import { gramAllBut } from "../../linalg/contract.ts";
import { applyKroneckerSum, type KroneckerTerm, kroneckerSum } from "../../linalg/kronecker-sum.ts";
import { type Complex, complex, commonDtype, type Scalar, type Tensor, times } from "../../linalg/tensor.ts";
import { modeTowards } from "../gauge.ts";
import type { NodeId } from "../tree.ts";
import type { TTN } from "../ttn.ts";
import { type CoreEntry, entriesOf, type TTNO } from "./ttno.ts";

/** One operator component seen through a frame: a matrix (test rank x trial rank), or a multiple of the identity. */
export type Component = { readonly matrix: Tensor } | { readonly scalar: Complex };

/** All that lies behind one direction of an edge, contracted with the operator: one matrix for each of its components. */
export interface Environment {
  readonly components: readonly Component[];
  /** Whether test and trial are the same behind the edge, so that their overlap is the identity. */
  readonly same: boolean;
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
 * they were made of live: asked again for a state that shares the tensors behind an edge, nothing is computed.
 */
export class Environments {
  readonly #operator: TTNO;
  readonly #entries: readonly (readonly CoreEntry[])[];
  readonly #known = new WeakMap<Tensor, Known[]>();
  readonly #physical: readonly (Environment | null)[];

  constructor(operator: TTNO) {
    this.#operator = operator;
    this.#entries = operator.tree.nodes.map((_, id) => entriesOf(operator, id));
    this.#physical = operator.tree.nodes.map(({ mode }, id) =>
      mode === null
        ? null
        : {
            same: true,
            components: operator.matrices[id]!.map((matrix, a) =>
              operator.identities[id] === a ? { scalar: { re: 1, im: 0 } } : { matrix },
            ),
          },
    );
  }

  /** The environments around a node, mode by mode, for a trial (and test) state centred there. */
  around(trial: TTN, node: NodeId, test: TTN = trial): readonly Environment[] {
    const { children, parent } = this.#operator.tree.nodes[node]!;
    const found = children.length > 0 ? children.map((c) => this.#behind(trial, test, c, node)) : [this.#physical[node]!];
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

    const ket = trial.tensors[node]!;
    const bra = test.tensors[node]!;
    let list = this.#known.get(ket);
    if (!list) {
      list = [];
      this.#known.set(ket, list);
    }
    for (const k of list)
      if (k.test === bra && k.node === node && k.mode === open && k.around.every((e, i) => e === around[i])) return k.value;
    const value = this.#contract(node, open, ket, bra, around);
    list.push({ node, mode: open, test: bra, around, value });
    return value;
  }

  #contract(node: NodeId, open: number, ket: Tensor, bra: Tensor, around: readonly Environment[]): Environment {
    const same = ket === bra && around.every((e) => e.same);
    const { ranks, tree } = this.#operator;
    const { children } = tree.nodes[node]!;
    const count = open < children.length ? ranks[children[open]!]! : ranks[node]!;
    const components = Array.from({ length: count }, (_, c): Component => {
      const terms = this.#entries[node]!.filter((e) => e.index[open] === c).flatMap((e) => kroneckerTerm(e, around) ?? []);
      if (terms.length === 0) return { scalar: { re: 0, im: 0 } };
      if (same && terms.every((t) => t.matrices.every((m) => m === null)))
        return { scalar: terms.reduce((s, t) => plus(s, complex(t.coefficient)), { re: 0, im: 0 }) };
      const image = applyKroneckerSum(kroneckerSum(ket.shape, terms, commonDtype(ket.dtype, bra.dtype)), ket);
      return { matrix: gramAllBut(bra, image, open) };
    });
    return { components, same };
  }
}

const unit: Complex = { re: 1, im: 0 };
/** Beyond the root there is nothing: one component, the number 1. */
const outside: Environment = { components: [{ scalar: unit }], same: true };
/** The open edge itself: whatever component, the identity. */
const ahead: Environment = { components: [], same: true };

const plus = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });

/** One entry of a core with its components filled in; null when one of them vanishes. */
function kroneckerTerm({ index, value }: CoreEntry, around: readonly Environment[]): KroneckerTerm | null {
  let coefficient: Scalar = value;
  const matrices: (Tensor | null)[] = [];
  for (let k = 0; k < around.length; k++) {
    const component = around[k]!.components[index[k]!];
    if (component && "scalar" in component) coefficient = times(coefficient, component.scalar);
    matrices.push(component && "matrix" in component ? component.matrix : null);
  }
  const { re, im } = complex(coefficient);
  return re === 0 && im === 0 ? null : { coefficient, matrices };
}

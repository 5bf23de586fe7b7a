import { type KroneckerTerm, sumOfCoefficients } from "../../linalg/kronecker-sum.ts";
import type { Matrix } from "../../linalg/matrix.ts";
import { symmetryOf } from "../../linalg/matrix-checks.ts";
import { allDone, type Task, type Work } from "../../linalg/task.ts";
import {
  type Complex,
  commonDtype,
  complex,
  type Dtype,
  type Scalar,
  type Tensor,
  times,
} from "../../linalg/tensor.ts";
import { modeTowards } from "../gauge.ts";
import { growthOf } from "../growth.ts";
import type { NodeId } from "../tree.ts";
import type { TTN } from "../ttn.ts";
import { type Component, type Contraction, contraction, contractionTask, type Symmetry } from "./contraction.ts";
import { type CoreEntry, dtypeOfOperator, entriesOf, type TTNO } from "./ttno.ts";

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

/** An environment that is still to be computed: the part that costs, if any, and what is known without. */
interface Planned extends Omit<Environment, "components"> {
  readonly contraction: Contraction | null;
  /** Null for those that come of the contraction, in its order. */
  readonly known: readonly (Component | null)[];
}

/** An environment on the way: it can be computed once those around are. */
interface Pending {
  readonly node: NodeId;
  readonly mode: number;
  readonly ket: Tensor;
  readonly around: readonly (Pending | Environment)[];
  /** One more than the highest level around. */
  readonly level: number;
  value?: Environment;
}

/** All that are on the way, and in which order they can be computed. */
interface Wanted {
  readonly byTensor: Map<Tensor, Pending[]>;
  readonly levels: Pending[][];
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
    return this.#around(trial, test, node, null);
  }

  /**
   * Computes what `around` then finds for all of these states, each seen from its centre: level by level, the environments of a
   * level side by side.
   */
  *prepare(trials: readonly TTN[]): Work<void> {
    const wanted: Wanted = { byTensor: new Map(), levels: [] };
    for (const trial of trials) {
      const { children, parent } = this.#operator.tree.nodes[trial.center]!;
      for (const other of children) this.#want(wanted, trial, other, trial.center);
      if (parent !== null) this.#want(wanted, trial, parent, trial.center);
    }
    for (const level of wanted.levels) {
      const missing: { p: Pending; around: readonly Environment[]; planned: Planned }[] = [];
      const tasks: Task[] = [];
      for (const p of level) {
        const around: Environment[] = [];
        for (const e of p.around) around.push("level" in e ? e.value! : e);
        const known = this.#find(p.node, p.mode, p.ket, p.ket, around);
        if (known) {
          p.value = known;
          continue;
        }
        const planned = this.#plan(p.node, p.mode, p.ket, p.ket, around);
        missing.push({ p, around, planned });
        if (planned.contraction) tasks.push(contractionTask(planned.contraction, p.node));
      }
      const results = yield* allDone<readonly Tensor[]>(tasks);
      let next = 0;
      for (const { p, around, planned } of missing) {
        const value = finished(planned, planned.contraction ? results[next++]! : []);
        p.value = this.#remember({ node: p.node, mode: p.mode, test: p.ket, around, value }, p.ket);
      }
    }
  }

  /** Puts what lies behind the edge from `node` towards `to` on the list, after all that it needs. */
  #want(wanted: Wanted, trial: TTN, node: NodeId, to: NodeId): Pending {
    const { children, parent } = this.#operator.tree.nodes[node]!;
    const mode = modeTowards(this.#operator.tree, node, to);
    const ket = trial.tensors[node]!;
    const list = wanted.byTensor.get(ket) ?? [];
    wanted.byTensor.set(ket, list);
    // states of one step share what is behind a tensor too; where not, `around` computes it itself
    for (const p of list) if (p.node === node && p.mode === mode) return p;
    const around: (Pending | Environment)[] = children.length > 0 ? [] : [this.#physical[node]!];
    for (const child of children) around.push(child === to ? ahead : this.#want(wanted, trial, child, node));
    around.push(parent === null ? outside : parent === to ? ahead : this.#want(wanted, trial, parent, node));
    let level = 0;
    for (const e of around) if ("level" in e) level = Math.max(level, e.level + 1);
    const pending: Pending = { node, mode, ket, around, level };
    list.push(pending);
    wanted.levels[level] ??= [];
    wanted.levels[level]!.push(pending);
    return pending;
  }

  /** Terms of the operator's core at a node in these environments: what acts on the tensor there. */
  terms(node: NodeId, around: readonly Environment[]): KroneckerTerm[] {
    return termsOf(this.#entries[node]!, around);
  }

  /** Contracts everything behind the edge from `node` towards its neighbour `to`. */
  #behind(trial: TTN, test: TTN, node: NodeId, to: NodeId): Environment {
    const open = modeTowards(this.#operator.tree, node, to);
    return this.#lookUp(node, open, trial.tensors[node]!, test.tensors[node]!, this.#around(trial, test, node, to));
  }

  /** What lies behind each mode at `node`, but for that towards `to`. */
  #around(trial: TTN, test: TTN, node: NodeId, to: NodeId | null): readonly Environment[] {
    const { children, parent } = this.#operator.tree.nodes[node]!;
    const around: Environment[] = children.length > 0 ? [] : [this.#physical[node]!];
    for (const child of children) around.push(child === to ? ahead : this.#behind(trial, test, child, node));
    around.push(parent === null ? outside : parent === to ? ahead : this.#behind(trial, test, parent, node));
    return around;
  }

  #lookUp(node: NodeId, mode: number, ket: Tensor, bra: Tensor, around: readonly Environment[]): Environment {
    const known = this.#find(node, mode, ket, bra, around);
    if (known) return known;
    const planned = this.#plan(node, mode, ket, bra, around);
    const value = finished(planned, planned.contraction ? contraction.run(planned.contraction) : []);
    return this.#remember({ node, mode, test: bra, around, value }, ket);
  }

  #find(node: NodeId, mode: number, ket: Tensor, bra: Tensor, around: readonly Environment[]): Environment | null {
    for (const known of this.#known.get(ket) ?? [])
      if (known.test === bra && known.node === node && known.mode === mode && sameItems(known.around, around))
        return known.value;
    return null;
  }

  #remember(known: Known, ket: Tensor): Environment {
    const list = this.#known.get(ket) ?? [];
    list.push(known);
    this.#known.set(ket, list);
    return known.value;
  }

  #plan(node: NodeId, open: number, ket: Tensor, bra: Tensor, around: readonly Environment[]): Planned {
    const same = ket === bra && around.every((e) => e.same);
    const symmetries = this.#symmetries[node]!;
    const growth = same && open === ket.shape.length - 1 && symmetries.some((s) => s !== 0) ? growthOf(ket) : undefined;
    const corners = growth && around.map((e, k) => (k === open ? e : cornerOf(e, growth.old.shape[k]!)));
    const grownFrom = corners?.every((e) => e !== null)
      ? this.#lookUp(node, open, growth!.old, growth!.old, corners)
      : null;
    const dtype = commonDtype(ket.dtype, bra.dtype, this.#dtype);
    const known: (Component | null)[] = [];
    const missing: Contraction["components"][number][] = [];
    for (const [c, entries] of this.#byComponent(node, open).entries()) {
      const terms = termsOf(entries, around);
      const scalar = same || terms.length === 0 ? multipleOfIdentity(terms) : null;
      known[c] = scalar && { scalar };
      if (scalar) continue;
      const symmetry = symmetries[c]!;
      missing.push({ terms, symmetry, old: grownFrom && symmetry !== 0 ? grownFrom.components[c]! : null });
    }
    const fresh = grownFrom ? growth!.fresh : null;
    return {
      contraction: missing.length > 0 ? { ket, bra, open, dtype, fresh, components: missing } : null,
      known,
      same,
      rank: ket.shape[open]!,
      ...(grownFrom && { grownFrom }),
    };
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

/** The environment, given what its contraction came to. */
function finished({ known, contraction: _, ...rest }: Planned, matrices: readonly Tensor[]): Environment {
  const components: Component[] = [];
  let next = 0;
  for (const component of known) components.push(component ?? { matrix: matrices[next++]! });
  return { ...rest, components };
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

/** The environment whose matrices are the leading blocks of this size, if that is known. */
function cornerOf(e: Environment, size: number): Environment | null {
  let found: Environment | undefined = e;
  while (found && found.rank > size) found = found.grownFrom;
  return found?.rank === size ? found : null;
}

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

/** The terms of these entries that do not vanish. */
function termsOf(entries: readonly CoreEntry[], around: readonly Environment[]): KroneckerTerm[] {
  const terms: KroneckerTerm[] = [];
  for (const entry of entries) {
    const term = kroneckerTerm(entry, around);
    if (term) terms.push(term);
  }
  return terms;
}

/** The sum of terms that have no matrices; null where one has. */
function multipleOfIdentity(terms: readonly KroneckerTerm[]): Complex | null {
  for (const { matrices } of terms) for (const m of matrices) if (m) return null;
  return sumOfCoefficients(terms);
}

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

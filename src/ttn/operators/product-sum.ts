import { block, matmul } from "../../linalg/contract.ts";
import { qr, svd } from "../../linalg/factor.ts";
import { type Matrix, scaledIdentity } from "../../linalg/matrix.ts";
import { matrixSum, splitPower } from "../../linalg/matrix-algebra.ts";
import { equalMatrices, identityMultiple, isFiniteMatrix, isZeroMatrix } from "../../linalg/matrix-checks.ts";
import { matrixSpace } from "../../linalg/matrix-space.ts";
import { scaleByPower } from "../../linalg/scaling.ts";
import {
  type Complex,
  complex,
  entry,
  fromFunction,
  type Scalar,
  shapeText,
  type Tensor,
  times,
} from "../../linalg/tensor.ts";
import { type NodeId, rootOf, type Tree } from "../tree.ts";
import type { CoreEntry, TTNO } from "./ttno.ts";

/**
 * One term of an operator that is a sum of products: `coefficient` times the product of square matrices on some of
 * the modes, the identity on all others. Factors are sorted by mode, at most one a mode; no factor at all means a
 * multiple of the identity.
 */
export interface ProductTerm {
  readonly coefficient: Scalar;
  readonly factors: readonly { readonly mode: number; readonly operator: Matrix }[];
}

/**
 * The tree operator of a sum of products, compressed.
 *
 * Every node gets the components I (the identity), h (all terms that act only below it; at a leaf not when the partners
 * combine to it) and u_1, ..., u_k, the open partners of the terms that cross its edge. From the leaves up, the coefficients of the crossing terms form a matrix
 * (products of the children's components) x (partners outside); its singular value decomposition, cut at
 * `tolerance` times the largest coefficient of a term with two or more factors (measured with the factors scaled by
 * powers of two to largest entries in [1, 2)) and never below round-off, gives the new partners, nested in those of the
 * children. For pairwise interactions this is the nested low-rank (HSS) construction: k is the rank of the coupling matrix
 * between a subtree and the rest, and a term is never written out as a product over all modes.
 *
 * A factor that is a multiple of the identity, in whatever form, counts as none. Matrices at a leaf are compared by their entries,
 * sparse ones in the places where any of them has one: nothing of size n x n is made unless a factor is dense. A user's function
 * is independent of all other matrices.
 *
 * Cost O(terms log terms + sum over edges of k^2 partners). The error of the operator is about tolerance x the coefficient
 * x the number of edges.
 * Throws a RangeError naming the term when a mode does not exist, is repeated, or a matrix has another size, and when a
 * number is not finite. [ceruti2024parallel, section 4; ceruti2024ttno]
 */
export function productSum(
  tree: Tree,
  modeSizes: readonly number[],
  terms: readonly ProductTerm[],
  tolerance = 1e-13,
): TTNO {
  if (!(tolerance >= 0)) throw new RangeError(`productSum: tolerance is ${tolerance}, expected zero or more`);
  checkTerms(tree, modeSizes, terms);
  const builder = new Builder(tree, modeSizes, terms, tolerance);
  tree.nodes.forEach(({ mode }, id) => {
    if (mode !== null) builder.leaf(id);
    else builder.inner(id);
  });
  return builder.finish();
}

function checkTerms(tree: Tree, modeSizes: readonly number[], terms: readonly ProductTerm[]): void {
  if (modeSizes.length !== tree.order)
    throw new RangeError(`productSum: ${modeSizes.length} mode sizes for a tree of ${tree.order} leaves`);
  terms.forEach(({ coefficient, factors }, k) => {
    const { re, im } = complex(coefficient);
    if (!Number.isFinite(re) || !Number.isFinite(im))
      throw new RangeError(`productSum: term ${k} has coefficient ${re} + ${im}i, expected a finite number`);
    factors.forEach(({ mode, operator }, i) => {
      const n = modeSizes[mode];
      if (n === undefined)
        throw new RangeError(`productSum: term ${k} acts on mode ${mode}, the tree has modes 0 to ${tree.order - 1}`);
      if (factors.findIndex((f) => f.mode === mode) !== i)
        throw new RangeError(`productSum: term ${k} has two factors on mode ${mode}; multiply them first`);
      if (shapeText(operator.shape) !== `${n}x${n}`)
        throw new RangeError(
          `productSum: the factor of term ${k} on mode ${mode} is ${shapeText(operator.shape)}, expected ${n}x${n}`,
        );
      if (!isFiniteMatrix(operator))
        throw new RangeError(`productSum: the factor of term ${k} on mode ${mode} is not finite`);
    });
  });
}

/** A term while the tree is climbed: a product of components of nodes, none of which lies below another. */
interface OpenTerm {
  readonly coefficient: Complex;
  /** (node, component), sorted by node; identities are left out. */
  readonly parts: readonly (readonly [NodeId, number])[];
}

class Builder {
  readonly #tree: Tree;
  readonly #sizes: readonly number[];
  readonly #cut: number;
  #constant: Complex = { re: 0, im: 0 };
  /** The terms that have a part at a node, by node. */
  readonly #open: Set<OpenTerm>[];
  readonly #letters: Matrix[][];
  readonly #matrices: Matrix[][];
  readonly #cores: CoreEntry[][];
  /** Whether a node has a component h; identity is component 0, h then is 1, partners follow. */
  readonly #closed: boolean[];

  constructor(tree: Tree, sizes: readonly number[], terms: readonly ProductTerm[], tolerance: number) {
    this.#tree = tree;
    this.#sizes = sizes;
    this.#open = tree.nodes.map(() => new Set());
    this.#letters = tree.nodes.map(() => []);
    this.#matrices = tree.nodes.map(() => []);
    this.#cores = tree.nodes.map(() => []);
    this.#closed = tree.nodes.map(() => false);
    let largest = 0;
    let square = 0;
    const known = new Map<Matrix, Letter>();
    const letterOf = (operator: Matrix): Letter => {
      const found = known.get(operator) ?? asLetter(operator);
      known.set(operator, found);
      return found;
    };
    for (const { coefficient, factors } of terms) {
      const split = factors.map(({ mode, operator }) => ({ mode, ...letterOf(operator) }));
      const real = split.filter((f) => f.multiple === null);
      const multiples = split.reduce((all, f) => times(all, f.multiple ?? 1), complex(coefficient));
      const c = timesPower(
        multiples,
        split.reduce((all, f) => all + f.e, 0),
      );
      if ((c.re === 0 && c.im === 0) || factors.some((f) => isZeroMatrix(f.operator))) continue;
      if (real.length === 0) this.#constant = sum(this.#constant, c);
      else this.#add({ coefficient: c, parts: real.map((f) => this.#letter(f.mode, f.letter)).sort(byNode) });
      if (real.length < 2) continue;
      largest = Math.max(largest, Math.hypot(c.re, c.im));
      square += c.re * c.re + c.im * c.im;
    }
    // no singular value is larger than the norm of all coefficients: below that times eps there is only round-off
    this.#cut = Math.max(tolerance * largest, Number.EPSILON * Math.sqrt(square));
  }

  /** A leaf's letters are its distinct matrices; partners are combinations of them. */
  leaf(id: NodeId): void {
    const n = this.#sizes[this.#tree.nodes[id]!.mode!]!;
    const letters = this.#letters[id]!;
    const { closed, crossing } = this.#take([id]);
    const rows = crossing.rows.map((parts) => letters[parts[0]![1]]!);
    // coordinates of the letters in an orthonormal basis of their span: dependent ones become one partner
    const space = rows.length > 0 ? matrixSpace(rows) : null;
    const basis = space && qr(space.coordinates(rows));
    // what acts here alone needs no component of its own when the partners have it
    const joint = withClosed(crossing, closed);
    const isCovered = joint && this.#rank(joint, basis!.r).rank === this.#rank(crossing, basis!.r).rank;
    this.#closed[id] = closed.length > 0 && !isCovered;
    const partners = this.#partners(id, isCovered ? joint : crossing, basis?.r ?? null);
    const one = scaledIdentity(n);
    const own = (isCovered ? [] : closed).map(
      ({ coefficient, parts }) => [realIfReal(coefficient), letters[parts[0]![1]]!] as const,
    );
    this.#matrices[id] = [
      one,
      ...(own.length > 0 ? [matrixSum([...own, ...this.#takeConstant().map((c) => [c, one] as const)])] : []),
      ...(partners === null ? rows : space!.matrices(matmul(basis!.q, partners))),
    ];
  }

  inner(id: NodeId): void {
    const { children, parent } = this.#tree.nodes[id]!;
    const { closed, crossing } = this.#take(children);
    const entries: { index: number[]; value: Scalar }[] = [];
    const indexOf = (parts: readonly (readonly [NodeId, number])[]): number[] =>
      children.map((child) => parts.find(([node]) => node === child)?.[1] ?? 0);
    const h = parent === null ? 0 : 1;
    const alone = children.map((_, i) => children.map((_c, j) => (i === j ? 1 : 0)));
    if (parent !== null) entries.push({ index: [...children.map(() => 0), 0], value: 1 });
    children.forEach((child, i) => {
      if (this.#closed[child]) entries.push({ index: [...alone[i]!, h], value: 1 });
    });
    for (const { coefficient, parts } of closed) entries.push({ index: [...indexOf(parts), h], value: coefficient });
    this.#closed[id] = closed.length > 0 || children.some((child) => this.#closed[child]);
    if (parent === null || this.#closed[id])
      for (const value of this.#takeConstant()) entries.push({ index: [...children.map(() => 0), h], value });
    const first = this.#firstPartner(id);
    const partners = this.#partners(id, crossing, null);
    crossing.rows.forEach((parts, row) => {
      const index = indexOf(parts);
      if (partners === null) entries.push({ index: [...index, first + row], value: 1 });
      else
        for (let p = 0; p < partners.shape[1]!; p++) {
          const value = entry(partners, row, p);
          if (value.re !== 0 || value.im !== 0) entries.push({ index: [...index, first + p], value });
        }
    });
    this.#cores[id] = entries;
  }

  /** The operator, with components that nothing above uses left out. */
  finish(): TTNO {
    const { nodes } = this.#tree;
    const root = rootOf(this.#tree);
    if (nodes[root]!.mode !== null) this.#closeLoneLeaf(root);
    const kept: number[][] = nodes.map(() => []);
    kept[root] = [0];
    for (let id = root; id >= 0; id--) {
      const own = kept[id]!;
      this.#cores[id] = this.#cores[id]!.filter((e) => own.includes(e.index.at(-1)!));
      nodes[id]!.children.forEach((child, i) => {
        const used = new Set(this.#cores[id]!.map((e) => e.index[i]!));
        if (used.size === 0) used.add(0); // the zero operator still has a component everywhere
        kept[child] = [...used].sort((a, b) => a - b);
      });
    }
    const identities = nodes.map((_, id) => (id === root || !kept[id]!.includes(0) ? null : kept[id]!.indexOf(0)));
    return {
      tree: this.#tree,
      modeSizes: this.#sizes,
      ranks: kept.map((k) => k.length),
      matrices: this.#matrices.map((all, id) => (all.length > 0 ? kept[id]!.map((a) => all[a]!) : [])),
      cores: this.#cores.map((entries, id) =>
        entries.map(({ index, value }) => ({
          index: [...nodes[id]!.children.map((c, i) => kept[c]!.indexOf(index[i]!)), kept[id]!.indexOf(index.at(-1)!)],
          value,
        })),
      ),
      identities,
    };
  }

  #closeLoneLeaf(root: NodeId): void {
    const [one, h] = this.#matrices[root]!;
    this.#matrices[root] = [
      matrixSum([[realIfReal(this.#constant), one!], ...(this.#closed[root] ? [[1, h!] as const] : [])]),
    ];
  }

  #letter(mode: number, operator: Matrix): readonly [NodeId, number] {
    const leaf = this.#tree.leaves[mode]!;
    const letters = this.#letters[leaf]!;
    const known = letters.findIndex((a) => equalMatrices(a, operator));
    return [leaf, known >= 0 ? known : letters.push(operator) - 1];
  }

  #add(term: OpenTerm): void {
    for (const [node] of term.parts) this.#open[node]!.add(term);
  }

  /** Takes out all terms with parts at these nodes, as closed terms and as a matrix of rows (inside) x columns (outside). */
  #take(at: readonly NodeId[]): { closed: OpenTerm[]; crossing: Crossing } {
    const touched = new Set(at.flatMap((node) => [...this.#open[node]!]));
    const closed: OpenTerm[] = [];
    const rows = new Map<string, OpenTerm["parts"]>();
    const columns = new Map<string, OpenTerm["parts"]>();
    const found: { row: string; column: string; coefficient: Complex }[] = [];
    for (const term of touched) {
      for (const [node] of term.parts) this.#open[node]!.delete(term);
      const inside = term.parts.filter(([node]) => at.includes(node));
      const outside = term.parts.filter(([node]) => !at.includes(node));
      if (outside.length === 0) {
        closed.push(term);
        continue;
      }
      const row = inside.join(";");
      const column = outside.join(";");
      rows.set(row, inside);
      columns.set(column, outside);
      found.push({ row, column, coefficient: term.coefficient });
    }
    const at0 = [...rows.keys()];
    const at1 = [...columns.keys()];
    const rowOf = new Map(at0.map((key, i) => [key, i]));
    const columnOf = new Map(at1.map((key, i) => [key, i]));
    const values = at0.map(() => at1.map((): Complex => ({ re: 0, im: 0 })));
    for (const { row, column, coefficient } of found) {
      const line = values[rowOf.get(row)!]!;
      line[columnOf.get(column)!] = sum(line[columnOf.get(column)!]!, coefficient);
    }
    return { closed: merge(closed), crossing: { rows: [...rows.values()], columns: [...columns.values()], values } };
  }

  /** The multiple of the identity, if there is one left: it goes where the terms of a node alone are, and costs no component there. */
  #takeConstant(): Scalar[] {
    const c = this.#constant;
    this.#constant = { re: 0, im: 0 };
    return c.re === 0 && c.im === 0 ? [] : [realIfReal(c)];
  }

  /** Components are numbered I, h if there is one, then the partners. */
  #firstPartner(id: NodeId): number {
    return this.#closed[id] ? 2 : 1;
  }

  /**
   * Chooses the partners of a node and rewrites the crossing terms with them. Null when the rows are independent: then
   * they are the partners themselves. Otherwise the matrix (rows or their coordinates) x (partners).
   */
  #partners(id: NodeId, crossing: Crossing, coordinates: Tensor | null): Tensor | null {
    const { rows, columns, values } = crossing;
    const first = this.#firstPartner(id);
    const rewrite = (coefficients: readonly (readonly Complex[])[]): void =>
      coefficients.forEach((line, p) => {
        line.forEach((coefficient, c) => {
          if (coefficient.re === 0 && coefficient.im === 0) return;
          this.#add({ coefficient, parts: [...columns[c]!, [id, first + p] as const].sort(byNode) });
        });
      });
    if (rows.length === 0) return null;
    const { u, s, vh, rank } = this.#rank(crossing, coordinates);
    if (rank === rows.length) {
      rewrite(values);
      return null;
    }
    rewrite(Array.from({ length: rank }, (_, p) => columns.map((_c, c) => times(s[p]!, entry(vh, p, c)))));
    return block(u, [0, 0], [u.shape[0]!, rank]);
  }

  /** The singular value decomposition of the crossing coefficients, and how many values count. */
  #rank({ rows, columns, values }: Crossing, coordinates: Tensor | null): ReturnType<typeof svd> & { rank: number } {
    const gamma = fromFunction([rows.length, columns.length], (i, j) => realIfReal(values[i!]![j!]!));
    const found = svd(coordinates ? matmul(coordinates, gamma) : gamma);
    return { ...found, rank: found.s.findLastIndex((sigma) => sigma > this.#cut) + 1 };
  }
}

/** A factor as 2^e letter, or as a `multiple` of the identity. */
interface Letter {
  readonly e: number;
  readonly letter: Matrix;
  readonly multiple: Complex | null;
}

function asLetter(operator: Matrix): Letter {
  const split = splitPower(operator, "productSum");
  return { ...split, multiple: identityMultiple(split.letter) };
}

/** 2^e z. */
function timesPower({ re, im }: Complex, e: number): Complex {
  const parts = Float64Array.of(re, im);
  scaleByPower(parts, e, parts);
  return { re: parts[0]!, im: parts[1]! };
}

/** The crossing terms of a node: coefficient of (product inside) x (product outside). */
interface Crossing {
  readonly rows: readonly OpenTerm["parts"][];
  readonly columns: readonly OpenTerm["parts"][];
  readonly values: readonly (readonly Complex[])[];
}

/** Closed terms of a leaf as one more column, with nothing outside; null when one has a letter that does not cross. */
function withClosed({ rows, columns, values }: Crossing, closed: readonly OpenTerm[]): Crossing | null {
  const keys = rows.map((parts) => parts.join(";"));
  const column = rows.map((): Complex => ({ re: 0, im: 0 }));
  for (const { coefficient, parts } of closed) {
    const row = keys.indexOf(parts.join(";"));
    if (row < 0) return null;
    column[row] = coefficient;
  }
  if (closed.length === 0) return null;
  return { rows, columns: [...columns, []], values: values.map((line, i) => [...line, column[i]!]) };
}

const byNode = (a: readonly [NodeId, number], b: readonly [NodeId, number]): number => a[0] - b[0];

const sum = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });

const realIfReal = (z: Complex): Scalar => (z.im === 0 ? z.re : z);

/** Adds up terms with the same parts. */
function merge(terms: readonly OpenTerm[]): OpenTerm[] {
  const merged = new Map<string, OpenTerm>();
  for (const { coefficient, parts } of terms) {
    const key = parts.join(";");
    merged.set(key, { parts, coefficient: sum(merged.get(key)?.coefficient ?? { re: 0, im: 0 }, coefficient) });
  }
  return [...merged.values()];
}

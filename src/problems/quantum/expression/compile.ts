import type { Scalar } from "../../../linalg/tensor.ts";
import { type Scaled, scalarTerm, scaleTerms, siteTerm, type Term } from "./algebra.ts";
import { article, assignment, type Context, type Indices, type Meaning, type Scope } from "./context.ts";
import { SpinExpressionError } from "./error.ts";
import { lookUpFunction, lookUpName, lookUpOperator } from "./names.ts";
import type { Node } from "./parse.ts";
import { add, compare, divide, isFiniteScalar, isZero, multiply, negate, power, scalarText } from "./scalar.ts";
import { conjuncts, mentions, summationIndices } from "./walk.ts";

/** Expanding stops with an error beyond this many terms: they would not fit into memory. */
const MOST_TERMS = 1_000_000;
/** Pairs that a product of two sums may have before equal ones merge. */
const MOST_PAIRS = 4 * MOST_TERMS;
const LARGEST_POWER = 64;
/** Nodes above nodes that are followed before giving up, well before the stack ends. */
const DEEPEST = 1000;

/**
 * Resolves every name, checks which nodes are numbers, conditions and operators, and returns the expression as a
 * function of the summation indices. All errors that do not depend on index values are thrown here.
 */
export function compile(context: Context, node: Node, scope: Scope = [], depth = 0): Meaning {
  const { text, algebra } = context;
  if (depth > DEEPEST) throw new SpinExpressionError(text, node.at, `more than ${DEEPEST} operations nested`);

  const meaning = (n: Node): Meaning => compile(context, n, scope, depth + 1);
  const fail = (at: number, what: string, advice?: string): never => {
    throw new SpinExpressionError(text, at, what, advice);
  };
  const value = (m: Meaning, at: number, user: string): ((indices: Indices) => Scalar) =>
    m.type === "scalar" ? m.value : fail(at, `${user} needs a number`, `this is ${article(m)}`);
  const scalar = (n: Node, user: string) => value(meaning(n), n.at, user);
  /** A number in a sum of operators is a multiple of the identity. */
  const terms = (m: Meaning, at: number, user: string): ((indices: Indices) => readonly Term[]) => {
    if (m.type === "operator") return m.terms;
    const number = value(m, at, user);
    return (indices) => {
      const z = number(indices);
      return isZero(z) ? [] : [scalarTerm(z, context.fault)];
    };
  };
  /** Notes why a scalar is not finite; NaN that comes from an operand keeps the operand's reason. */
  const finite = (z: Scalar, operands: readonly Scalar[], at: number, indices: Indices, what: () => string): Scalar => {
    if (!isFiniteScalar(z) && operands.every(isFiniteScalar))
      context.fault = { at, what: what() + assignment(scope, indices) };
    return z;
  };
  const tooMany = (at: number): never => fail(at, `the expression expands to more than ${MOST_TERMS} terms`);
  const limited = (list: readonly Term[], at: number): readonly Term[] =>
    list.length <= MOST_TERMS ? list : tooMany(at);

  switch (node.kind) {
    case "number":
      return { type: "scalar", value: () => node.value };
    case "name":
      return { type: "scalar", value: lookUpName(context, node, scope) };
    case "negate": {
      const m = meaning(node.operand);
      if (m.type === "operator") return { type: "operator", terms: (e) => scaleTerms(m.terms(e), -1, undefined) };
      const operand = value(m, node.at, "'-'");
      return { type: "scalar", value: (e) => negate(operand(e)) };
    }
    case "add": {
      const parts = node.terms.map(({ sign, node: n }) => ({ sign, at: n.at, meaning: meaning(n) }));
      if (parts.every((part) => part.meaning.type === "scalar")) {
        const values = parts.map((part) => ({ sign: part.sign, value: value(part.meaning, part.at, "'+'") }));
        return {
          type: "scalar",
          value: (e) => {
            let sum: Scalar = 0;
            for (const part of values) {
              const z = part.value(e);
              sum = finite(add(sum, part.sign === 1 ? z : negate(z)), [sum, z], node.at, e, () => "overflow");
            }
            return sum;
          },
        };
      }
      const lists = parts.map((part) => ({ sign: part.sign, terms: terms(part.meaning, part.at, "'+'") }));
      return {
        type: "operator",
        terms: (e) => {
          const sum: Term[] = [];
          for (const part of lists) {
            const list = part.terms(e);
            for (const term of part.sign === 1 ? list : scaleTerms(list, -1, undefined)) sum.push(term);
            limited(sum, node.at);
          }
          return sum;
        },
      };
    }
    case "binary": {
      const left = meaning(node.left);
      const right = meaning(node.right);
      if (node.op === "^") return raise(left, right);
      if (right.type === "operator" && node.op === "/")
        return fail(node.right.at, "division by site operators", "divide by a number");
      if (left.type !== "operator" && right.type !== "operator") {
        const a = value(left, node.left.at, `'${node.op}'`);
        const b = value(right, node.right.at, `'${node.op}'`);
        return node.op === "*"
          ? { type: "scalar", value: (e) => overflow(multiply, a(e), b(e), e) }
          : { type: "scalar", value: (e) => quotient(a(e), b(e), e) };
      }
      const a = terms(left, node.left.at, `'${node.op}'`);
      if (right.type === "operator") {
        const b = right.terms;
        return { type: "operator", terms: (e) => product(a(e), b(e)) };
      }
      const b = value(right, node.right.at, `'${node.op}'`);
      return node.op === "*"
        ? { type: "operator", terms: (e) => scaledBy(a(e), b(e)) }
        : { type: "operator", terms: (e) => dividedBy(a(e), b(e), e) };
    }
    case "call": {
      const f = lookUpFunction(context, node);
      const args = node.args.map((n) => scalar(n, `'${node.name}'`));
      return {
        type: "scalar",
        value: (e) => {
          const z = args.map((arg) => arg(e));
          const complexOne = f.complexArgument ? undefined : z.find((x) => typeof x !== "number");
          if (complexOne !== undefined)
            return fail(node.at, `'${node.name}' needs real numbers, given ${scalarText(complexOne)}`);
          const what = () => `${node.name}(${z.map(scalarText).join(", ")}) is not a finite real number`;
          return finite(f.apply(z), z, node.at, e, what);
        },
      };
    }
    case "compare": {
      const left = scalar(node.left, `'${node.op}'`);
      const right = scalar(node.right, `'${node.op}'`);
      return {
        type: "condition",
        holds: (e) => {
          const [a, b] = [left(e), right(e)];
          return compare(a, node.op, b) ?? incomparable(a, b, e);
        },
      };
    }
    case "logic": {
      const [left, right] = [condition(node.left), condition(node.right)];
      return node.op === "and"
        ? { type: "condition", holds: (e) => left(e) && right(e) }
        : { type: "condition", holds: (e) => left(e) || right(e) };
    }
    case "site": {
      const matrix = lookUpOperator(context, node);
      const index = scalar(node.index, "a site index");
      // outside a sum, or with an index that no summation moves, a site beyond the chain is a slip of the pen
      const isFixed = !mentions(node.index, (name) => scope.includes(name));
      const operator = algebra.intern(matrix);
      return { type: "operator", terms: (e) => onSite(index(e), e, isFixed, operator, matrix.shape[0]!) };
    }
    case "sum":
      return summation(node);
  }

  function onSite(site: Scalar, e: Indices, isFixed: boolean, operator: Scaled, size: number): readonly Term[] {
    if (typeof site !== "number" || !Number.isInteger(site))
      return fail(node.at, `site index ${scalarText(site)} is not an integer${assignment(scope, e)}`);
    if (site < 0 || site >= context.d)
      return isFixed ? fail(node.at, `site ${site} is outside the chain`, `sites are 0 to ${context.d - 1}`) : [];
    const term = siteTerm(operator, site);
    if (!term) return [];
    // the identity (no sites) fits every size
    const before = context.sizes.get(site) ?? size;
    if (term.sites.length > 0) context.sizes.set(site, size);
    if (term.sites.length > 0 && before !== size)
      return fail(
        node.at,
        `operator of size ${size}x${size} on site ${site}`,
        `another one there has ${before}x${before}`,
      );
    return [term];
  }

  function overflow(f: (a: Scalar, b: Scalar) => Scalar, a: Scalar, b: Scalar, e: Indices): Scalar {
    return finite(f(a, b), [a, b], node.at, e, () => "overflow");
  }

  function quotient(a: Scalar, b: Scalar, e: Indices): Scalar {
    return finite(divide(a, b), [a, b], node.at, e, () => (isZero(b) ? "division by zero" : "overflow"));
  }

  function scaledBy(list: readonly Term[], by: Scalar): readonly Term[] {
    return scaleTerms(list, by, context.fault);
  }

  function dividedBy(list: readonly Term[], by: Scalar, e: Indices): readonly Term[] {
    if (!isFiniteScalar(by) || isZero(by)) return scaledBy(list, quotient(1, by, e));
    return list.map((term) => ({ ...term, coefficient: divide(term.coefficient, by) }));
  }

  function product(a: readonly Term[], b: readonly Term[]): readonly Term[] {
    if (a.length * b.length > MOST_PAIRS) tooMany(node.at);
    const result: Term[] = [];
    for (const x of a)
      for (const y of b) {
        const term = algebra.multiply(x, y);
        if (term) result.push(term);
      }
    // merging early keeps powers of sums small
    return a.length > 1 && b.length > 1 ? limited(algebra.merge(result), node.at) : result;
  }

  function raise(base: Meaning, exponent: Meaning): Meaning {
    if (node.kind !== "binary") throw new TypeError("unreachable");
    const { left, right, at } = node;
    const b = value(exponent, right.at, "an exponent");
    if (base.type !== "operator") {
      const a = value(base, left.at, "'^'");
      const what = (x: Scalar, y: Scalar) =>
        x === 0 ? "division by zero" : `${scalarText(x)}^${scalarText(y)} is not a finite real number`;
      return {
        type: "scalar",
        value: (e) => {
          const [x, y] = [a(e), b(e)];
          return finite(power(x, y), [x, y], at, e, () => what(x, y));
        },
      };
    }
    return {
      type: "operator",
      terms: (e) => {
        const n = b(e);
        if (typeof n !== "number" || !Number.isInteger(n) || n < 0 || n > LARGEST_POWER)
          return fail(
            right.at,
            `exponent ${scalarText(n)} of site operators${assignment(scope, e)}`,
            `expected an integer from 0 to ${LARGEST_POWER}`,
          );
        const factor = base.terms(e);
        let result: readonly Term[] = [scalarTerm(1, undefined)];
        for (let k = 0; k < n; k++) result = product(result, factor);
        return result;
      },
    };
  }

  function condition(n: Node, inner: Scope = scope): (indices: Indices) => boolean {
    const m = compile(context, n, inner, depth + 1);
    return m.type === "condition" ? m.holds : fail(n.at, `expected a condition such as i<j, this is ${article(m)}`);
  }

  function incomparable(a: Scalar, b: Scalar, e: Indices): never {
    const fault = [a, b].every(isFiniteScalar) ? undefined : context.fault;
    const values = `${scalarText(a)} ${node.kind === "compare" ? node.op : ""} ${scalarText(b)}`;
    return fail(fault?.at ?? node.at, fault?.what ?? `complex numbers have no order: ${values}${assignment(scope, e)}`);
  }

  function summation(sum: Node & { readonly kind: "sum" }): Meaning {
    const own = summationIndices(context.parameters, sum.body, scope);
    if (own.length === 0)
      return fail(
        sum.at,
        "sum without a summation index",
        "indices are the names inside the site brackets of its body, as in sum(Z[i]*Z[i+1]), that are not parameters or indices of an outer sum",
      );
    const inner = [...scope, ...own];
    const body = compile(context, sum.body, inner, depth + 1);
    const list = terms(body, sum.body.at, "'sum'");
    // a condition is tested as soon as the last index that it mentions has a value
    const conditions = own.map((): ((indices: Indices) => boolean)[] => []);
    for (const n of sum.conditions.flatMap(conjuncts)) {
      const isUsed = (name: string): boolean => mentions(n, (x) => x === name);
      const last = own.findLastIndex(isUsed);
      conditions[Math.max(0, last)]!.push(condition(n, inner));
    }
    const collect = (indices: Indices, k: number, result: Term[]): void => {
      if (k === own.length) {
        for (const term of list(indices)) result.push(term);
        limited(result, sum.at);
        return;
      }
      for (let i = 0; i < context.d; i++) {
        indices[scope.length + k] = i;
        if (conditions[k]!.every((holds) => holds(indices))) collect(indices, k + 1, result);
      }
    };
    return {
      type: "operator",
      terms: (indices) => {
        const result: Term[] = [];
        collect(indices, 0, result);
        return result;
      },
    };
  }
}

import type { Tensor } from "../../linalg/tensor.ts";
import { allFinite as isFiniteTensor, shapeText } from "../../linalg/tensor.ts";
import type { ProductTerm } from "../../ttn/operators/product-sum.ts";
import { OperatorAlgebra, scalarTerm } from "./expression/algebra.ts";
import { compile } from "./expression/compile.ts";
import type { Context } from "./expression/context.ts";
import { SpinExpressionError } from "./expression/error.ts";
import { parse } from "./expression/parse.ts";
import { constants, isFiniteScalar } from "./expression/scalar.ts";
import { spinOperators } from "./spin-operators.ts";

export { SpinExpressionError } from "./expression/error.ts";

/** What an expression may name besides the language's own words. */
export interface SpinExpressionOptions {
  /** Numbers by name. A name inside site brackets that is a parameter is not summed over. */
  readonly parameters?: Readonly<Record<string, number>>;
  /** Square matrices by name, in addition to `spinOperators`; an equal name replaces. */
  readonly operators?: Readonly<Record<string, Tensor>>;
}

/** Words with a fixed meaning, which a parameter cannot have as its name. */
const RESERVED = ["d", "sum", "and", "or", ...Object.keys(constants)];

/**
 * Reads a Hamiltonian of `d` sites, numbered from 0, and expands it into products of site operators:
 *
 *     parseSpinExpression("-J*sum(Z[i]*Z[i+1]) - g*sum(X[i])", 8, { parameters: { J: 1, g: 0.5 } })
 *     parseSpinExpression("nu*sum(n[i]*n[j]/abs(i-j)^alpha, i<j)", 8, { parameters: { nu: 2, alpha: 1 } })
 *
 * Numbers: `1e-3`, `2im` (imaginary), `pi`, `im`, `d`, parameters, summation indices; `+ - * / ^` with the usual
 * precedence (-x^2 = -(x^2), 2^3^2 = 2^9), parentheses, `abs exp sqrt cos sin tan log min max`.
 * Operators: `X[0]`, `Z[d-1]`, by the names of `spinOperators`; products on one site are matrix products in the order
 * written, products of sums are expanded, powers are integers >= 0. A number is that multiple of the identity.
 * Sums: `sum(body, condition, ...)` runs every name inside the site brackets of its body (that is no parameter and no
 * index of an outer sum) over 0..d-1; a product with a site outside the chain is dropped (open ends). Conditions:
 * `i<j`, `0<=i<j`, `i!=j`, `abs(i-j)<=2`, joined by `&&`/`and` or `||`/`or`; several conditions must all hold.
 *
 * Factors ascend in their mode, at most one a mode, identities left out; operators that are multiples of each other
 * share one matrix; equal terms are added, terms with coefficient 0 dropped; the order is that of first appearance.
 * Cost: the number of index combinations that pass the conditions (the conditions of few indices are tested first).
 *
 * Throws a SpinExpressionError with the place in the text for everything wrong in it (unknown names, a division by
 * zero with the indices where it happens, ...), a RangeError for a bad `d`, parameter or operator matrix.
 */
export function parseSpinExpression(text: string, d: number, options: SpinExpressionOptions = {}): ProductTerm[] {
  const { parameters = {} } = options;
  const operators = { ...spinOperators, ...options.operators };
  validate(d, parameters, operators);
  const algebra = new OperatorAlgebra(operators);
  const context: Context = { text, d, parameters, operators, algebra, fault: undefined, sizes: new Map() };
  const node = parse(text);
  const meaning = compile(context, node);
  if (meaning.type === "condition")
    throw new SpinExpressionError(text, node.at, "expected a sum of site operators, this is a condition");
  const terms = meaning.type === "operator" ? meaning.terms([]) : [scalarTerm(meaning.value([]), context.fault)];
  const merged = algebra.merge(terms);
  const broken = merged.find((term) => !isFiniteScalar(term.coefficient));
  if (broken) {
    const { at, what } = broken.fault ?? { at: node.at, what: `overflow in the coefficient of sites ${broken.sites}` };
    throw new SpinExpressionError(text, at, what, "coefficients must be finite numbers");
  }
  return merged.map((term) => algebra.productTerm(term));
}

function validate(
  d: number,
  parameters: Readonly<Record<string, number>>,
  operators: Readonly<Record<string, Tensor>>,
) {
  if (!Number.isSafeInteger(d) || d < 1)
    throw new RangeError(`parseSpinExpression: d is ${d}, expected a number of sites >= 1`);
  for (const [name, value] of Object.entries(parameters)) {
    if (RESERVED.includes(name)) throw new RangeError(`parseSpinExpression: parameter '${name}' has a reserved name`);
    if (!Number.isFinite(value)) throw new RangeError(`parseSpinExpression: parameter ${name} is ${value}, not finite`);
  }
  for (const [name, matrix] of Object.entries(operators)) {
    if (matrix.shape.length !== 2 || matrix.shape[0] !== matrix.shape[1] || matrix.shape[0] === 0)
      throw new RangeError(
        `parseSpinExpression: operator ${name} is ${shapeText(matrix.shape)}, expected a square matrix`,
      );
    if (!isFiniteTensor(matrix))
      throw new RangeError(`parseSpinExpression: operator ${name} has entries that are not finite`);
  }
}

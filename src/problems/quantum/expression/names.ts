import type { Scalar, Tensor } from "../../../linalg/tensor.ts";
import type { Context, Indices, Scope } from "./context.ts";
import { SpinExpressionError, suggest } from "./error.ts";
import type { Node } from "./parse.ts";
import { constants, type ScalarFunction, scalarFunctions } from "./scalar.ts";

/** The value of a name: a summation index of the scope, a parameter, a constant, or the number of sites. */
export function lookUpName(
  context: Context,
  node: Node & { readonly kind: "name" },
  scope: Scope,
): (indices: Indices) => Scalar {
  const slot = scope.indexOf(node.name);
  if (slot >= 0) return (indices) => indices[slot]!;
  const known = new Map<string, Scalar>([
    ...Object.entries(context.parameters),
    ...Object.entries(constants),
    ["d", context.d],
  ]);
  const value = known.get(node.name);
  if (value !== undefined) return () => value;
  if (Object.hasOwn(context.operators, node.name))
    throw new SpinExpressionError(
      context.text,
      node.at,
      `operator '${node.name}' without a site`,
      `write ${node.name}[0]`,
    );
  if (Object.hasOwn(scalarFunctions, node.name) || node.name === "sum")
    throw new SpinExpressionError(
      context.text,
      node.at,
      `function '${node.name}' without arguments`,
      `write ${node.name}(...)`,
    );
  const advice = suggest(node.name, [...known.keys(), ...scope]);
  const hint = node.name.length === 1 ? "; an index exists only in a sum whose body has it inside site brackets" : "";
  throw new SpinExpressionError(context.text, node.at, `unknown name '${node.name}'`, advice + hint);
}

/** The function of a call, with the number of its arguments checked. */
export function lookUpFunction({ text, parameters }: Context, node: Node & { readonly kind: "call" }): ScalarFunction {
  const f = Object.hasOwn(scalarFunctions, node.name) ? scalarFunctions[node.name] : undefined;
  if (!f) {
    const advice = Object.hasOwn(parameters, node.name)
      ? `'${node.name}' is a parameter: a product is written ${node.name}*(...)`
      : suggest(node.name, ["sum", ...Object.keys(scalarFunctions)]);
    throw new SpinExpressionError(text, node.at, `unknown function '${node.name}'`, advice);
  }
  if (f.arity === 1 && node.args.length !== 1)
    throw new SpinExpressionError(text, node.at, `'${node.name}' takes 1 argument, given ${node.args.length}`);
  return f;
}

/** The matrix of a site operator. */
export function lookUpOperator({ text, operators }: Context, node: Node & { readonly kind: "site" }): Tensor {
  const matrix = Object.hasOwn(operators, node.operator) ? operators[node.operator] : undefined;
  if (matrix) return matrix;
  const advice = suggest(node.operator, Object.keys(operators));
  throw new SpinExpressionError(text, node.at, `unknown operator '${node.operator}'`, advice);
}

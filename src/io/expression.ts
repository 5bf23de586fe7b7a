import type { ConditionalNode, MathNode, OperatorNode, ParenthesisNode } from "mathjs/number";
import { nearest } from "../text/nearest.ts";
import { ConfigError } from "./settings.ts";

/** A real function of named variables, as a configuration gives it. */
export interface Expression {
  readonly text: string;
  /** The variables that it depends on. */
  readonly uses: readonly string[];
  /** Its value. Slow (a microsecond or so): for sampling on grids before a run. Throws a ConfigError when it is not finite. */
  at(values: Readonly<Record<string, number>>): number;
  /** The same function as a sum of products, parentheses multiplied out; conditions are factors 0 or 1 that stand first. */
  terms(): readonly (readonly Expression[])[];
}

const functions = [
  ...["abs", "sign", "sqrt", "cbrt", "square", "cube", "exp", "expm1", "log", "log2", "log10", "log1p", "pow", "hypot"],
  ...["sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"],
  ...["erf", "gamma", "floor", "ceil", "round", "min", "max"],
];
const constants = ["pi", "tau", "e"];
const kinds = ["ConstantNode", "SymbolNode", "OperatorNode", "ParenthesisNode", "FunctionNode", "ConditionalNode"];

/**
 * Reads an expression for the parameter `name`, such as `5 + 4*xi` or `exp(-x^2/2)/sqrt(2*pi)`; a number is one, too.
 * What mathjs understands of numbers, operators, conditions (`abs(x) < 1 ? 2 : 0`) and the usual functions is allowed; nothing
 * else of it. Loads mathjs (a third of a second) at the first text.
 * Throws a ConfigError that names the parameter, the expression and the place for what cannot be read, an unknown variable or
 * function, or anything but numbers.
 */
export async function parseExpression(
  name: string,
  given: number | string,
  variables: readonly string[],
): Promise<Expression> {
  if (typeof given === "number") return constant(name, given);
  const text = given;
  const math = await import("mathjs/number");
  const fail = (why: string): never => {
    throw new ConfigError(`${name} is ${JSON.stringify(text)}: ${why}`);
  };
  if (text.trim() === "") fail("expected an expression");
  const node = ((): MathNode => {
    try {
      return math.parse(text);
    } catch (error) {
      return fail(`it cannot be read: ${(error as Error).message}`);
    }
  })();
  const place = (word: string): number =>
    text.search(new RegExp(`(?<![\\w.])${word.replace(/\W/g, "\\$&")}(?!\\w)`)) + 1;
  node.traverse((part, path, parent) => {
    if (!kinds.includes(part.type))
      fail(`"${part.toString()}" is not allowed in it, expected numbers, variables, operators and functions`);
    if (math.isConstantNode(part) && typeof part.value !== "number")
      fail(`"${part.toString()}" is not allowed in it, expected numbers`);
    if (!math.isSymbolNode(part)) return;
    const word = part.name;
    const isCalled = path === "fn" && parent?.type === "FunctionNode";
    if (isCalled && functions.includes(word)) return;
    if (!isCalled && [...variables, ...constants].includes(word)) return;
    const at = `at character ${place(word)}`;
    if (isCalled && variables.includes(word)) fail(`"${word}(" ${at} reads as a function; write ${word}*(...)`);
    const known = isCalled ? functions : [...variables, ...constants];
    const near = nearest(word, known);
    fail(
      `unknown ${isCalled ? "function" : "variable"} "${word}" ${at}${near ? `; did you mean "${near}"?` : "."} Known: ${known.join(", ")}`,
    );
  });
  const used = (part: MathNode): string[] => {
    const found = part.filter((p) => math.isSymbolNode(p) && variables.includes(p.name)).map((p) => p.toString());
    return [...new Set(found)];
  };
  const made = (part: MathNode): Expression => {
    const code = part.compile();
    return {
      text: part.toString(),
      uses: used(part),
      at(values) {
        const value = Number(code.evaluate({ ...values }));
        if (Number.isFinite(value)) return value;
        const where = used(part).map((v) => `${v} = ${values[v]}`);
        throw new ConfigError(
          `${name} is ${JSON.stringify(text)}: ${part.toString()} is ${value}${where.length > 0 ? ` at ${where.join(", ")}` : ""}, expected a finite number`,
        );
      },
      terms: () => sumOfProducts(part, math.parse).map((factors) => factors.map(made)),
    };
  };
  return made(node);
}

function constant(name: string, value: number): Expression {
  if (!Number.isFinite(value)) throw new ConfigError(`${name} is ${value}, expected a finite number or an expression`);
  const expression: Expression = { text: `${value}`, uses: [], at: () => value, terms: () => [[expression]] };
  return expression;
}

/** The addends of a node, each as its factors. */
function sumOfProducts(node: MathNode, parse: (text: string) => MathNode): MathNode[][] {
  const sum = (part: MathNode): MathNode[][] => {
    if (part.type === "ParenthesisNode") return sum((part as ParenthesisNode).content);
    if (part.type === "ConditionalNode") {
      const { condition, trueExpr, falseExpr } = part as ConditionalNode;
      const [yes, no] = [parse(`(${condition}) ? 1 : 0`), parse(`(${condition}) ? 0 : 1`)];
      return [...times([[yes]], sum(trueExpr)), ...times([[no]], sum(falseExpr))];
    }
    if (part.type !== "OperatorNode") return [[part]];
    const { fn, args } = part as OperatorNode;
    const [a, b] = args as [MathNode, MathNode];
    if (fn === "unaryPlus") return sum(a);
    if (fn === "unaryMinus") return times([[parse("-1")]], sum(a));
    if (fn === "add") return [...sum(a), ...sum(b)];
    if (fn === "subtract") return [...sum(a), ...times([[parse("-1")]], sum(b))];
    if (fn === "multiply") return times(sum(a), sum(b));
    if (fn === "divide") return times(sum(a), [[parse(`1 / (${b.toString()})`)]]);
    return [[part]];
  };
  const times = (a: MathNode[][], b: MathNode[][]): MathNode[][] => a.flatMap((x) => b.map((y) => [...x, ...y]));
  return sum(node);
}

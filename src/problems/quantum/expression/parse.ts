import type { Scalar } from "../../../linalg/tensor.ts";
import { SpinExpressionError } from "./error.ts";
import { type Token, tokenize } from "./lexer.ts";

/** Relations of conditions. */
export type Relation = "<" | "<=" | ">" | ">=" | "==" | "!=";

/** A parsed expression; `at` is the offset in the text that an error about the node points to. */
export type Node =
  | { readonly kind: "number"; readonly value: Scalar; readonly at: number }
  | { readonly kind: "name"; readonly name: string; readonly at: number }
  | { readonly kind: "site"; readonly operator: string; readonly index: Node; readonly at: number }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[]; readonly at: number }
  | { readonly kind: "sum"; readonly body: Node; readonly conditions: readonly Node[]; readonly at: number }
  | { readonly kind: "negate"; readonly operand: Node; readonly at: number }
  // a flat list, so that a Hamiltonian written out in ten thousand terms is not ten thousand levels deep
  | {
      readonly kind: "add";
      readonly terms: readonly { readonly sign: 1 | -1; readonly node: Node }[];
      readonly at: number;
    }
  | {
      readonly kind: "binary";
      readonly op: "*" | "/" | "^";
      readonly left: Node;
      readonly right: Node;
      readonly at: number;
    }
  | { readonly kind: "compare"; readonly op: Relation; readonly left: Node; readonly right: Node; readonly at: number }
  | {
      readonly kind: "logic";
      readonly op: "and" | "or";
      readonly left: Node;
      readonly right: Node;
      readonly at: number;
    };

/** Left binding power of the infix operators; unary minus binds as a factor does, so -x^2 = -(x^2). */
const POWER: Readonly<Record<string, number>> = {
  "||": 1,
  or: 1,
  "&&": 2,
  and: 2,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "==": 3,
  "!=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "^": 7,
};
const UNARY = 6;

/** Parentheses in parentheses that the parser follows before it gives up. */
const DEEPEST = 200;

/** Reads a spin expression into its tree. Throws a SpinExpressionError that says what was expected, and where. */
export function parse(text: string): Node {
  const tokens = tokenize(text);
  let position = 0;
  let depth = 0;

  const peek = (): Token => tokens[position]!;
  const take = (): Token => tokens[position++]!;
  const fail = (token: Token, expected: string, hint = ""): never => {
    const found = token.kind === "end" ? "unexpected end of the expression" : `unexpected '${token.text}'`;
    throw new SpinExpressionError(text, token.at, found, `expected ${expected}${hint}`);
  };
  const isSymbol = (token: Token, symbol: string): boolean => token.kind === "symbol" && token.text === symbol;
  const infixPower = (token: Token): number =>
    token.kind === "symbol" || token.text === "and" || token.text === "or" ? (POWER[token.text] ?? 0) : 0;

  function close(symbol: string, alternatives: string): void {
    if (isSymbol(peek(), symbol)) take();
    else fail(peek(), alternatives, missingOperator());
  }

  /** Two values side by side: say how products and imaginary numbers are written. */
  function missingOperator(): string {
    const token = peek();
    const before = tokens[position - 1];
    const isValue = token.kind === "name" || token.kind === "number" || isSymbol(token, "(");
    if (!isValue) return isSymbol(token, "[") ? "; sites follow an operator's name, as in Z[0]" : "";
    const adjacent = before?.kind === "number" && before.at + before.text.length === token.at;
    return adjacent && (token.text === "i" || token.text === "j")
      ? " (a product is written with '*', an imaginary number as 2im)"
      : " (a product is written with '*')";
  }

  function expression(minimum: number): Node {
    if (++depth > DEEPEST) throw new SpinExpressionError(text, peek().at, `more than ${DEEPEST} nested levels`);
    let left = prefix();
    for (let power = infixPower(peek()); power > minimum; power = infixPower(peek())) left = infix(left, power);
    depth--;
    return left;
  }

  function prefix(): Node {
    const token = take();
    if (token.kind === "number") return { kind: "number", value: token.value, at: token.at };
    if (isSymbol(token, "-")) return { kind: "negate", operand: expression(UNARY - 1), at: token.at };
    if (isSymbol(token, "+")) return expression(UNARY - 1);
    if (isSymbol(token, "(")) {
      const inner = expression(0);
      close(")", "')' or an operator");
      return inner;
    }
    if (token.kind !== "name" || token.text === "and" || token.text === "or")
      return fail(token, "a number, a name, an operator such as X[0], '-' or '('");
    if (isSymbol(peek(), "[")) return site(token);
    if (isSymbol(peek(), "(")) return call(token);
    return { kind: "name", name: token.text, at: token.at };
  }

  function site(name: Token): Node {
    take();
    const index = expression(0);
    close("]", "']' or an operator");
    return { kind: "site", operator: name.text, index, at: name.at };
  }

  function call(name: Token): Node {
    take();
    const args = [expression(0)];
    while (isSymbol(peek(), ",")) {
      take();
      args.push(expression(0));
    }
    close(")", "',', ')' or an operator");
    return name.text === "sum"
      ? { kind: "sum", body: args[0]!, conditions: args.slice(1), at: name.at }
      : { kind: "call", name: name.text, args, at: name.at };
  }

  function infix(left: Node, power: number): Node {
    const { text: op, at } = take();
    switch (op) {
      case "+":
      case "-":
        return additions(left, op, at);
      case "*":
      case "/":
        return { kind: "binary", op, left, right: expression(power), at };
      case "^":
        // to the right: 2^3^2 = 2^(3^2)
        return { kind: "binary", op, left, right: expression(power - 1), at };
      case "&&":
      case "and":
        return { kind: "logic", op: "and", left, right: expression(power), at };
      case "||":
      case "or":
        return { kind: "logic", op: "or", left, right: expression(power), at };
      default:
        return comparison(left, op as Relation, expression(power), at);
    }
  }

  function additions(first: Node, op: "+" | "-", at: number): Node {
    const terms: { sign: 1 | -1; node: Node }[] = [{ sign: 1, node: first }];
    terms.push({ sign: op === "+" ? 1 : -1, node: expression(POWER["+"]!) });
    while (isSymbol(peek(), "+") || isSymbol(peek(), "-"))
      terms.push({ sign: take().text === "+" ? 1 : -1, node: expression(POWER["+"]!) });
    return { kind: "add", terms, at };
  }

  /** A chain such as 0 < i < j means (0 < i) && (i < j). */
  function comparison(left: Node, op: Relation, right: Node, at: number): Node {
    if (left.kind === "compare" || (left.kind === "logic" && left.right.kind === "compare")) {
      const middle = left.kind === "compare" ? left.right : (left.right as Node & { kind: "compare" }).right;
      return { kind: "logic", op: "and", left, right: { kind: "compare", op, left: middle, right, at }, at };
    }
    return { kind: "compare", op, left, right, at };
  }

  const root = expression(0);
  if (peek().kind !== "end") fail(peek(), "an operator or the end", missingOperator());
  return root;
}

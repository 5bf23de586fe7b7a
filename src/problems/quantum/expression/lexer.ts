import type { Scalar } from "../../../linalg/tensor.ts";
import { SpinExpressionError } from "./error.ts";

/** A word of the language; `at` is the offset of its first character. */
export type Token =
  | { readonly kind: "number"; readonly text: string; readonly value: Scalar; readonly at: number }
  | { readonly kind: "name"; readonly text: string; readonly at: number }
  | { readonly kind: "symbol"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly text: string; readonly at: number };

const SPACE = /\s+/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const IMAGINARY = /im(?![A-Za-z0-9_])/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SYMBOL = /<=|>=|==|!=|&&|\|\||[-+*/^()[\],<>]/y;

/** What people write from habit, and how it is written here. */
const HABITS: Readonly<Record<string, string>> = {
  "=": "equality is written '=='",
  "!": "'not equal' is written '!='",
  "&": "'and' is written '&&' or 'and'",
  "|": "'or' is written '||' or 'or'",
  "{": "brackets are ( ) for grouping and [ ] for sites",
};

/** Splits the text into tokens, the last of which is `end`. Throws a SpinExpressionError at a stray character. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space) {
      at += space.length;
      continue;
    }
    const token = next(text, at, match);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: "end", text: "", at: text.length });
  return tokens;
}

function next(text: string, at: number, match: (pattern: RegExp) => string | undefined): Token {
  const digits = match(NUMBER);
  if (digits) {
    const value = Number(digits);
    if (!Number.isFinite(value)) throw new SpinExpressionError(text, at, `number ${digits} is too large`);
    // `2im` is one literal: the unit follows the digits without a space
    IMAGINARY.lastIndex = at + digits.length;
    return IMAGINARY.test(text)
      ? { kind: "number", text: `${digits}im`, value: { re: 0, im: value }, at }
      : { kind: "number", text: digits, value, at };
  }
  const name = match(NAME);
  if (name) return { kind: "name", text: name, at };
  const symbol = match(SYMBOL);
  if (symbol) return { kind: "symbol", text: symbol, at };
  const character = String.fromCodePoint(text.codePointAt(at)!);
  throw new SpinExpressionError(text, at, `unexpected character '${character}'`, HABITS[character]);
}

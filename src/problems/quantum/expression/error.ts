import { nearest } from "../../../text/nearest.ts";

/** Columns of the offending line that a message shows at most. */
const SHOWN = 100;

/**
 * A spin expression that cannot be read or expanded. The message says what was found and what was expected, the
 * column (counted from 1; with the line when there are several), and repeats the line with a caret below the place.
 */
export class SpinExpressionError extends Error {
  override readonly name = "SpinExpressionError";
  /** Place in the text, counted from 1. */
  readonly position: number;

  /** `what` is the message's first half; `advice` follows the position. `offset` counts from 0. */
  constructor(text: string, offset: number, what: string, advice = "") {
    super(`${what} at ${place(text, offset)}${advice && `; ${advice}`}\n${excerpt(text, offset)}`);
    this.position = offset + 1;
  }
}

/** "did you mean 'Z'? known: X, Y, Z": what to say next to an unknown name. */
export function suggest(name: string, known: readonly string[]): string {
  const close = nearest(name, known);
  return `${close === undefined ? "" : `did you mean '${close}'? `}known: ${known.join(", ") || "none"}`;
}

function place(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  const column = `column ${before.at(-1)!.length + 1}`;
  return text.includes("\n") ? `line ${before.length}, ${column}` : column;
}

function excerpt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  const line = text.slice(start, end < 0 ? undefined : end).replace(/\s/g, " ");
  const column = offset - start;
  const first = Math.max(0, Math.min(column - SHOWN / 2, line.length - SHOWN));
  return `  ${line.slice(first, first + SHOWN)}\n  ${" ".repeat(column - first)}^`;
}

import type { Node } from "./parse.ts";
import { constants } from "./scalar.ts";

/** Names inside the site brackets of `body`, nested sums left out, that mean nothing else yet. */
export function summationIndices(
  parameters: Readonly<Record<string, number>>,
  body: Node,
  scope: readonly string[],
): string[] {
  const names = new Set<string>();
  visit(body, (node) => {
    if (node.kind === "site")
      visit(node.index, (n) => {
        if (n.kind === "name") names.add(n.name);
        return true;
      });
    return node.kind !== "site" && node.kind !== "sum";
  });
  const isTaken = (n: string): boolean => n === "d" || [parameters, constants].some((known) => Object.hasOwn(known, n));
  return [...names].filter((n) => !isTaken(n) && !scope.includes(n));
}

/** The conditions that all have to hold for `node` to hold. */
export const conjuncts = (node: Node): Node[] =>
  node.kind === "logic" && node.op === "and" ? [...conjuncts(node.left), ...conjuncts(node.right)] : [node];

/** Whether a name that passes the test occurs in `node`. */
export function mentions(node: Node, test: (name: string) => boolean): boolean {
  let found = false;
  visit(node, (n) => {
    if (n.kind === "name" && test(n.name)) found = true;
    return true;
  });
  return found;
}

/** Calls `enter` on the node and, where it returns true, on what is below. */
function visit(node: Node, enter: (node: Node) => boolean): void {
  if (!enter(node)) return;
  for (const child of children(node)) visit(child, enter);
}

function children(node: Node): readonly Node[] {
  switch (node.kind) {
    case "number":
    case "name":
      return [];
    case "site":
      return [node.index];
    case "call":
      return node.args;
    case "sum":
      return [node.body, ...node.conditions];
    case "negate":
      return [node.operand];
    case "add":
      return node.terms.map((term) => term.node);
    default:
      return [node.left, node.right];
  }
}

import { balanced } from "../../../src/index.ts";
import { longRangeIsing, spinChain, spinState } from "../../../src/problems/index.ts";

/** The quench of a long-range Ising chain of d spins, over [0, T]. */
export function quench(d: number, T: number) {
  const tree = balanced(d);
  return spinChain("quench", longRangeIsing(tree, { alpha: 1.5 }), spinState(tree, "up"), T);
}

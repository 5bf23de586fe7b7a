import { scaled } from "../../linalg/contract.ts";
import { norm } from "../../linalg/level1.ts";
import { type Random, randomTensor, seeded } from "../../linalg/random.ts";
import { asDtype, fromValues, type Tensor } from "../../linalg/tensor.ts";
import { productState } from "../../ttn/construct.ts";
import { type LinearRhs, schroedinger } from "../../ttn/operators/linear-rhs.ts";
import type { TTNO } from "../../ttn/operators/ttno.ts";
import type { Problem } from "../../ttn/problem.ts";
import type { Tree } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { energy, meanExpectation, siteExpectations, stateNorm } from "./observables.ts";
import { spinOperators } from "./spin-operators.ts";

/** Spin states by name: up = (1, 0), down = (0, 1), plus and minus = (1, +-1) / sqrt 2. */
export const spinStates: Readonly<Record<string, Tensor>> = {
  up: fromValues([2], [1, 0]),
  down: fromValues([2], [0, 1]),
  plus: fromValues([2], [Math.SQRT1_2, Math.SQRT1_2]),
  minus: fromValues([2], [Math.SQRT1_2, -Math.SQRT1_2]),
};

/**
 * A product of spin states, complex: one name for all sites, "neel" (up, down, up, ...), "random" (each spin in its own
 * direction, from the generator), or one name for each site. `rank` pads the edges as `productState` does.
 * Throws a RangeError for an unknown name.
 */
export function spinState(tree: Tree, which: string | readonly string[], rank = 1, random: Random = seeded(1)): TTN {
  const names =
    typeof which !== "string"
      ? which
      : Array.from({ length: tree.order }, (_, i) => (which === "neel" ? (i % 2 === 0 ? "up" : "down") : which));
  const vectors = names.map((name, site) => {
    const v =
      name === "random"
        ? randomTensor(random, [2], "complex128")
        : Object.hasOwn(spinStates, name)
          ? spinStates[name]
          : undefined;
    if (!v) {
      const known = [...Object.keys(spinStates), "neel", "random"].join(", ");
      throw new RangeError(`spinState: site ${site} has the unknown state ${JSON.stringify(name)}; known: ${known}`);
    }
    return asDtype(scaled(1 / norm(v), v), "complex128");
  });
  return productState(tree, vectors, rank);
}

/**
 * Schroedinger's equation of a spin chain from t = 0 to T, with the observables `sz` and `sx` (Pauli matrices, a number a
 * site), `sz_mean`, `energy` and `norm`.
 */
export function spinChain(name: string, hamiltonian: TTNO, initial: TTN, T: number): Problem & { rhs: LinearRhs } {
  const rhs = schroedinger(hamiltonian);
  const { X, Z } = spinOperators as Readonly<Record<"X" | "Z", Tensor>>;
  return {
    name,
    rhs,
    initial,
    span: [0, T],
    observables: {
      sz: siteExpectations(Z),
      sx: siteExpectations(X),
      sz_mean: meanExpectation(Z),
      energy: energy(rhs),
      norm: stateNorm,
    },
  };
}

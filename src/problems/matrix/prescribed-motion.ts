import { combine, matmul, permute, scaled } from "../../linalg/contract.ts";
import { expm } from "../../linalg/expm.ts";
import { conj, norm as frobenius } from "../../linalg/level1.ts";
import { randomTensor, seeded } from "../../linalg/random.ts";
import type { Dtype, Tensor } from "../../linalg/tensor.ts";
import { randomState } from "../../ttn/construct.ts";
import { ttn } from "../../ttn/gauge.ts";
import { prescribedRhs } from "../../ttn/source-rhs.ts";
import { balanced, rootOf, type Tree } from "../../ttn/tree.ts";
import type { TTN } from "../../ttn/ttn.ts";
import { stateNorm } from "../quantum/observables.ts";
import { allCounts, allNumbers } from "./checks.ts";
import type { SolvedProblem } from "./solved.ts";

export interface PrescribedMotionOptions {
  /** Default `balanced(2)`: matrices. */
  readonly tree?: Tree;
  /** Size of every mode. Default 16. */
  readonly n?: number;
  /** Rank of every edge, cut to what fits. Default 4. */
  readonly rank?: number;
  /** "lines": every tensor moves along a straight line; "rotations": only leaf bases move, by orthogonal matrices. Default "lines". */
  readonly motion?: "lines" | "rotations";
  /** Default "float64". */
  readonly dtype?: Dtype;
  /** Of the random tensors. Default 1. */
  readonly seed?: number;
  /** End of the span. Default 1. */
  readonly T?: number;
}

/**
 * Y' = A'(t), Y(0) = A(0), for an A(t) of given rank on any tree, of norm one at t = 0: the test of exactness. With C_v(t) the tensor of
 * node v and random velocities V_v of the size of C_v,
 *
 *     "lines":     C_v(t) = C_v(0) + t V_v at every node;
 *     "rotations": C_l(t) = exp(t W_l) C_l(0) at the leaves, W_l skew-Hermitian, all else at rest; |A(t)| stays.
 *
 * With the solver `exactIncrement` no quadrature is needed and an exact integrator errs by round-off alone, in any step, back
 * in time too; other solvers use the derivative, one network for each tensor that moves. `exact(t)` is A(t) itself, as a
 * network in no particular gauge. Observable `norm`. Throws a RangeError for numbers that make no sense.
 * [kieri2016discretized; ceruti2021time]
 */
export function prescribedMotion(options: PrescribedMotionOptions = {}): SolvedProblem<TTN> {
  const { tree = balanced(2), n = 16, rank = 4, motion = "lines", dtype = "float64", seed = 1, T = 1 } = options;
  allCounts("prescribedMotion", { n, rank });
  allNumbers("prescribedMotion", { seed, T });
  if (motion !== "lines" && motion !== "rotations")
    throw new RangeError(`prescribedMotion: motion is ${JSON.stringify(motion)}, expected "lines" or "rotations"`);
  const random = seeded(seed);
  const sizes = tree.leaves.map(() => n);
  const start = randomState(tree, sizes, rank, random, dtype);
  const moves = motion === "lines" ? straight : rotating;
  const tensors = start.tensors.map((c, id) => moves(c, tree.nodes[id]!.mode !== null, random));
  const exact = (t: number): TTN => ({ tree, tensors: tensors.map(({ at }) => at(t)), center: rootOf(tree) });
  const derivative = (t: number): TTN[] => {
    const now = exact(t);
    return tensors.flatMap(({ velocity }, id) =>
      velocity ? { ...now, tensors: now.tensors.with(id, velocity(t)) } : [],
    );
  };
  return {
    name: `prescribed motion, ${motion}`,
    rhs: prescribedRhs(exact, { dtype, derivative }),
    initial: ttn(tree, exact(0).tensors),
    span: [0, T],
    observables: { norm: stateNorm },
    exact,
  };
}

/** How one tensor moves; one without velocity rests. */
interface Motion {
  readonly at: (t: number) => Tensor;
  readonly velocity?: (t: number) => Tensor;
}

/** C + t V with |V| = |C|. */
function straight(c: Tensor, _isLeaf: boolean, random: () => number): Motion {
  const v = ofSize(frobenius(c), randomTensor(random, c.shape, c.dtype));
  return {
    at: (t) =>
      combine([
        [1, c],
        [t, v],
      ]),
    velocity: () => v,
  };
}

/** exp(t W) C at a leaf, W = (G - G*) / |G - G*|. */
function rotating(c: Tensor, isLeaf: boolean, random: () => number): Motion {
  if (!isLeaf) return { at: () => c };
  const n = c.shape[0]!;
  const g = randomTensor(random, [n, n], c.dtype);
  const skew = combine([
    [1, g],
    [-1, permute(conj(g), [1, 0])],
  ]);
  const w = scaled(1 / (frobenius(skew) || 1), skew);
  const at = (t: number): Tensor => matmul(expm(scaled(t, w)), c);
  return { at, velocity: (t) => matmul(w, at(t)) };
}

const ofSize = (size: number, t: Tensor): Tensor => scaled(size / frobenius(t), t);

import type { KroneckerSum } from "../linalg/kronecker-sum.ts";
import type { Work } from "../linalg/task.ts";
import type { Complex, Dtype, Tensor } from "../linalg/tensor.ts";
import type { Frame } from "../linalg/workspace.ts";
import type { Growth } from "./growth.ts";
import type { NodeId } from "./tree.ts";
import type { TTN } from "./ttn.ts";

/** out := g(t, x), without allocating. `x` and `out` never share memory. */
export type Evaluation = (t: number, x: Tensor, out: Tensor) => void;

/**
 * The right-hand side seen from one node: g(t, X) = P(test)* F(t, P(trial) X), where the frame P is the isometry from the
 * node's tensor to the full tensor, everything of the network except that node.
 */
export interface LocalField {
  /** "linear-hermitian": g(t, X) = sigma H(t) X with H Hermitian; `phase` is then sigma. */
  readonly kind: "linear-hermitian" | "linear" | "nonlinear";
  readonly phase?: Complex;
  /** Whether g does not depend on t. */
  readonly autonomous: boolean;
  readonly dtype: Dtype;
  /** Shape of the values of g; that of its arguments unless test and trial differ. */
  readonly shapeOut: readonly number[];
  /** Where g does not depend on X and its integral is known: out := the integral of g over [t0, t1], exactly. */
  readonly increment?: (t0: number, t1: number, out: Tensor) => void;
  /** Prepares evaluations: what they need besides their arguments is taken from `frame` and lives as long as it does. */
  plan(frame: Frame): Evaluation;
  /**
   * The same field as data, where it has such a form: `fieldOf` makes one of it elsewhere that gives the same bits. What wraps `plan` has
   * to leave it out.
   */
  readonly data?: LocalFieldData;
  /** Floating-point operations of one evaluation, estimated. */
  flops?(): number;
}

/** A local field as data. Plain, but for coefficients that are functions of time: `sampled` makes tables of those. */
export type LocalFieldData = KroneckerFieldData | SumFieldData | ModuleFieldData;

/** g(t, X) = sum_k c_k(t) A_k X, each A_k a sum of Kronecker products of matrices. */
export interface KroneckerFieldData {
  readonly form: "kronecker";
  /** sigma, where every A_k is Hermitian and every c_k a real multiple of sigma. */
  readonly phase?: Complex;
  readonly parts: readonly { readonly coefficient: Coefficient; readonly sum: KroneckerSum }[];
}

/** A number, a function of time, or that function's values at some times. */
export type Coefficient = Complex | ((t: number) => Complex) | Samples;

export interface Samples {
  readonly times: readonly number[];
  readonly values: readonly Complex[];
}

/** The sum of local fields. */
export interface SumFieldData {
  readonly form: "sum";
  readonly parts: readonly LocalFieldData[];
}

/** The local field of a right-hand side that is made again where it is needed; see `moduleRhs`. */
export interface ModuleFieldData {
  readonly form: "module";
  readonly module: ModuleReference;
  readonly trial: TTN;
  readonly node: NodeId;
  readonly test?: TTN;
  /** Of which parts bases were put together, so that what is contracted with them is so in the same way. */
  readonly growths: readonly (Growth & { readonly basis: Tensor })[];
  /** The step that the right-hand side was told to begin last. */
  readonly step?: readonly [step: number, t: number];
}

/** A function of a module, and what it is called with. */
export interface ModuleReference {
  /** Absolute, such as `new URL("./equation.js", import.meta.url).href`. */
  readonly url: string;
  /** Name of the exported function that returns the right-hand side. */
  readonly name: string;
  /** What it is called with: plain values, which can be sent elsewhere. */
  readonly arguments: readonly unknown[];
}

/** A right-hand side Y' = F(t, Y), handed out as local fields. */
export interface Rhs {
  /** Scalar type that a state must have for F(t, Y) to be of the same type: "complex128" refuses real states. */
  readonly dtype: Dtype;
  /** Throws, naming both sides, when a state does not fit: another tree, other mode sizes, another scalar type. */
  check(y: TTN): void;
  /** Once for every step, before its first attempt: freezes what is random in it (a mini-batch). */
  beginStep?(step: number, t: number): void;
  /** Does what binding these states at their centres needs and can be done side by side; `bind` then finds it. */
  prepare?(trials: readonly TTN[]): Work<void>;
  /**
   * F(t, trial) seen from `node`, the centre of `trial`, through the frame of `test` (default: `trial`).
   * What several bindings share (environments) is computed once.
   */
  bind(trial: TTN, node: NodeId, test?: TTN): LocalField;
}

import type { Tree } from "../../ttn/tree.ts";
import { balanced } from "../../ttn/tree.ts";
import { allNumbers } from "../matrix/checks.ts";
import type { RandomPart } from "./coefficients.ts";
import type { RadiationProblem } from "./problem.ts";
import { planarPulse } from "./pulse.ts";
import { slab } from "./slab.ts";

/** What all slabs with a planar pulse in the middle share. */
interface PulseOptions {
  /** Grid points on [-2.5, 2.5]. */
  readonly nx?: number;
  /** Legendre moments. */
  readonly moments?: number;
  /** End of the span. */
  readonly T?: number;
  /** Scattering where all inputs are zero. Default 5. */
  readonly sigma0?: number;
  /** sigma_a. Default 0. */
  readonly absorption?: number;
  /** Standard deviation of the pulse. */
  readonly width?: number;
  /** dt / dx. Default 0.1. */
  readonly cfl?: number;
  /** Rank of the start. Default 10. */
  readonly rank?: number;
  readonly tree?: Tree;
}

export interface UncertainSlabOptions extends PulseOptions {
  /** Quadrature nodes. Default 100 each. */
  readonly nodesXi?: number;
  readonly nodesEta?: number;
  /** Amplitudes of the two inputs. Default 4 and 1. */
  readonly sigmaXi?: number;
  readonly sigmaEta?: number;
}

/**
 * A planar pulse in a slab with uncertain scattering sigma = sigma0 + sigmaXi xi + sigmaEta eta, xi and eta uniform on (-1, 1):
 * from streaming to diffusion in one solution. By default 201 points on [-2.5, 2.5], 100 moments, 100 x 100 nodes, a Gaussian of
 * width 0.03 and T = 2 in 800 steps. The equation is that of `slab`. [ceruti2024parallel, section 5.2]
 */
export function uncertainSlab(options: UncertainSlabOptions = {}): RadiationProblem {
  const { nodesXi = 100, nodesEta = 100, sigmaXi = 4, sigmaEta = 1 } = options;
  return pulse(
    "uncertainSlab",
    { nx: 201, moments: 100, T: 2, width: 0.03, ...options },
    [
      { input: "xi", amplitude: sigmaXi },
      { input: "eta", amplitude: sigmaEta },
    ],
    [nodesXi, nodesEta],
  );
}

export interface ManyInputSlabOptions extends PulseOptions {
  /** Quadrature nodes of each input. Default 8. */
  readonly nodes?: number;
  /** Amplitudes are this share of those published, with which scattering is negative at some nodes. Default 0.5. */
  readonly amplitude?: number;
}

/**
 * The slab with six uncertain inputs,
 *
 *     sigma = 5 + a (4 xi + eta + 4 xi1^2 + eta1^2 + 4 xi2^3 + eta2^3),
 *
 * a tensor with eight modes, on `balanced(8)`. By default 51 points, 16 moments, 8 nodes an input, width 0.15 and T = 1.
 */
export function manyInputSlab(options: ManyInputSlabOptions = {}): RadiationProblem {
  const { nodes = 8, amplitude = 0.5 } = options;
  const parts = manyInputParts(amplitude);
  return pulse(
    "manyInputSlab",
    { nx: 51, moments: 16, T: 1, width: 0.15, tree: balanced(8), ...options },
    parts,
    parts.map(() => nodes),
  );
}

/** The random parts of the scattering of `manyInputSlab`, a (4 xi + eta + 4 xi1^2 + eta1^2 + 4 xi2^3 + eta2^3) for a = `amplitude`. */
export const manyInputParts = (amplitude: number): readonly RandomPart[] =>
  [1, 2, 3].flatMap((power) =>
    (["xi", "eta"] as const).map((name) => ({
      input: power === 1 ? name : `${name}${power - 1}`,
      amplitude: amplitude * (name === "xi" ? 4 : 1),
      of: (value: number): number => value ** power,
    })),
  );

function pulse(
  name: string,
  options: PulseOptions & Required<Pick<PulseOptions, "nx" | "moments" | "T" | "width">>,
  parts: readonly RandomPart[],
  nodes: readonly number[],
): RadiationProblem {
  const { nx, moments, T, width, sigma0 = 5, absorption = 0, cfl = 0.1, rank = 10, tree } = options;
  for (const { input, amplitude } of parts) allNumbers(name, { [`amplitude of ${input}`]: amplitude as number });
  return slab({
    name,
    interval: [-2.5, 2.5],
    nx,
    moments,
    inputs: parts.map(({ input }, k) => ({ name: input, distribution: "uniform", nodes: nodes[k]! })),
    scattering: { base: sigma0, random: parts },
    absorption,
    initial: planarPulse(width, name),
    rank,
    T,
    cfl,
    ...(tree ? { tree } : {}),
  });
}

import * as z from "zod";
import { balanced } from "../src/index.ts";
import { ConfigError, experiment, runSettings } from "../src/io/index.ts";
import {
  manyInputParts,
  planarPulse,
  type RadiationProblem,
  type RandomCoefficient,
  slab,
  slabReferenceSteps,
  type UncertainInput,
} from "../src/problems/index.ts";
import { withPauses } from "./pauses.ts";
import {
  coefficientOf,
  expressionParameter,
  functionOfInputs,
  type InputFunction,
  profileExpression,
} from "./radiation-coefficient.ts";
import {
  byScale,
  distributionParameter,
  radiationParameters,
  sizesOf,
  slabFigures,
  studyRadiation,
} from "./radiation-study.ts";

const count = (least: number) => z.int().min(least);
const number = z.number();
const auto = z.literal("auto");

const parameters = z.object({
  ...radiationParameters,
  solver: runSettings.solver.unwrap().default("rk4").describe(runSettings.solver.description!),
  inputs: z
    .union([z.literal(2), z.literal(6)])
    .default(2)
    .describe("number of uncertain inputs: 2 (xi, eta) or 6 (xi, eta, xi1, eta1, xi2, eta2)"),
  nx: byScale(count(3), "number of grid points, an integer from 3"),
  moments: byScale(count(2), "number of Legendre moments, an integer from 2"),
  nodesXi: byScale(count(1), "quadrature nodes of xi, a positive integer"),
  nodesEta: byScale(count(1), "quadrature nodes of eta, a positive integer"),
  nodes: byScale(count(1), "quadrature nodes of each of six inputs, a positive integer"),
  distribution: distributionParameter,
  sigma0: z
    .union([number, auto])
    .default("auto")
    .describe("scattering where all inputs are zero, a number, or auto (5)"),
  sigmaXi: z.union([number, auto]).default("auto").describe("scattering by xi, a number, or auto (4), for two inputs"),
  sigmaEta: z
    .union([number, auto])
    .default("auto")
    .describe("scattering by eta, a number, or auto (1), for two inputs"),
  amplitude: z
    .union([number, auto])
    .default("auto")
    .describe("for six inputs: share of the published amplitudes, a number, or auto (0.5)"),
  scattering: expressionParameter("scattering by x and the inputs, such as 5 + 4*xi + eta", "sigma0 and so on"),
  absorption: number.nonnegative().default(0).describe("absorption coefficient, zero or more"),
  width: byScale(z.number().positive(), "standard deviation of the pulse at the start, a positive number"),
  initial: expressionParameter("zeroth moment at the start by x, such as exp(-x^2)", "the pulse"),
});

type Parameters = z.infer<typeof parameters>;

/** What the scales stand for, with two inputs and with six. */
const sizes = {
  2: {
    paper: { nx: 201, moments: 100, nodesXi: 100, nodesEta: 100, nodes: 0, T: 2, width: 0.03 },
    mid: { nx: 101, moments: 40, nodesXi: 20, nodesEta: 20, nodes: 0, T: 1, width: 0.06 },
    quick: { nx: 41, moments: 8, nodesXi: 6, nodesEta: 6, nodes: 0, T: 0.5, width: 0.15 },
  },
  6: {
    paper: { nx: 51, moments: 16, nodesXi: 0, nodesEta: 0, nodes: 8, T: 1, width: 0.15 },
    mid: { nx: 51, moments: 16, nodesXi: 0, nodesEta: 0, nodes: 6, T: 0.5, width: 0.15 },
    quick: { nx: 31, moments: 8, nodesXi: 0, nodesEta: 0, nodes: 3, T: 0.25, width: 0.2 },
  },
} as const;

/** Parameters that concern one number of inputs only. */
const concerns = { 2: ["nodesXi", "nodesEta", "sigmaXi", "sigmaEta"], 6: ["nodes", "amplitude"] } as const;

/** The uncertain slab, section 5.2 of the parallel BUG paper [ceruti2024parallel], with two random inputs or six. */
export const radiationSlab = experiment({
  name: "radiation-slab",
  summary: "a planar pulse in a slab with uncertain scattering: mean, variance and ranks",
  parameters,
  quick: { scale: "quick", compare: true, reference: true },
  async run(p, host) {
    const { problem, sigma } = await problemOf(p);
    if (p.reference && !sigma)
      throw new ConfigError(
        `radiation-slab: reference is true with scattering ${JSON.stringify(p.scattering)}; the full solution is computed for scattering that is the same at all x; set reference=false to go without`,
      );
    return studyRadiation({
      problem,
      parameters: p,
      usual: () => ({ tolerance: p.inputs === 2 ? 1e-3 : 1e-4, maxRank: 50 }),
      reference:
        sigma && p.reference
          ? (progress) =>
              withPauses(slabReferenceSteps(problem, sigma, { absorption: p.absorption }), {
                signal: host.signal,
                progress,
              })
          : null,
      figures: (fields) => slabFigures(problem.grid.x, fields),
      host,
    });
  },
});

/** The problem of these parameters, and its scattering by the inputs where it is the same at all x. */
async function problemOf(p: Parameters): Promise<{ problem: RadiationProblem; sigma: InputFunction | null }> {
  checkTogether(p);
  const size = sizesOf(p, sizes[p.inputs][p.scale]);
  const names = ["xi", "eta", "xi1", "eta1", "xi2", "eta2"].slice(0, p.inputs);
  const nodes = p.inputs === 2 ? [size.nodesXi, size.nodesEta] : names.map(() => size.nodes);
  const scattering =
    p.scattering === "auto" ? usualScattering(p) : await coefficientOf("scattering", p.scattering, ["x"], names);
  const initial = p.initial === "auto" ? planarPulse(size.width) : await profileExpression("initial", p.initial, ["x"]);
  const problem = slab({
    name: "radiation-slab",
    interval: [-2.5, 2.5],
    nx: size.nx,
    moments: size.moments,
    inputs: names.map((name, k): UncertainInput => ({ name, distribution: p.distribution, nodes: nodes[k]! })),
    scattering,
    absorption: p.absorption,
    initial,
    rank: p.rank,
    T: size.T,
    cfl: p.cfl === "auto" ? 0.1 : p.cfl,
    scheme: p.solver === "euler" ? "euler" : "rk4",
    ...(p.inputs === 6 ? { tree: balanced(8) } : {}),
  });
  return { problem, sigma: functionOfInputs(scattering, names) };
}

function checkTogether(p: Parameters): void {
  const refuse = (name: keyof Parameters, why: string): never => {
    throw new ConfigError(`radiation-slab: ${name} = ${p[name]} was given ${why}`);
  };
  const others = p.inputs === 2 ? 6 : 2;
  const other = concerns[others].find((name) => p[name] !== "auto");
  if (other) refuse(other, `with inputs = ${p.inputs}, but concerns inputs = ${others} only`);
  const sigma = (["sigma0", "sigmaXi", "sigmaEta", "amplitude"] as const).find((name) => p[name] !== "auto");
  if (sigma && p.scattering !== "auto") refuse(sigma, `with scattering = ${p.scattering}: give one or the other`);
  if (p.width !== "auto" && p.initial !== "auto") refuse("width", `with initial = ${p.initial}: give one or the other`);
}

/** sigma0 + sigmaXi xi + sigmaEta eta, or sigma0 + a (4 xi + eta + 4 xi1^2 + eta1^2 + 4 xi2^3 + eta2^3). */
function usualScattering({ inputs, sigma0, sigmaXi, sigmaEta, amplitude }: Parameters): RandomCoefficient {
  const or = (value: number | "auto", usual: number): number => (value === "auto" ? usual : value);
  const base = or(sigma0, 5);
  if (inputs === 2)
    return {
      base,
      random: [
        { input: "xi", amplitude: or(sigmaXi, 4) },
        { input: "eta", amplitude: or(sigmaEta, 1) },
      ],
    };
  return { base, random: manyInputParts(or(amplitude, 0.5)) };
}

import * as z from "zod";
import { balanced, type MethodName, methodNames, useBackend } from "../src/index.ts";
import { ConfigError, experiment, record, runSettings } from "../src/io/index.ts";
import { longRangeIsing, spinChain, spinState } from "../src/problems/index.ts";
import { type Case, Runs } from "./robustness/case.ts";
import { coupledCase, heatCase, leafCase, matrixCase, quenchCase } from "./robustness/cases.ts";
import { conservationTable } from "./robustness/conservation.ts";
import { exactnessTable } from "./robustness/exactness.ts";
import {
  conservationFigure,
  exactnessFigure,
  orderFigure,
  robustnessFigure,
  workFigure,
} from "./robustness/figures.ts";
import { orderTable } from "./robustness/order.ts";
import { referenceTable } from "./robustness/reference.ts";
import { robustnessTable } from "./robustness/small-singular-values.ts";
import { workTable } from "./robustness/work.ts";

const studies = ["order", "robustness", "exactness", "conservation", "work", "reference"] as const;
const positive = z.number().positive();

/** All integrators on the same problems: what they promise, and what accuracy costs. */
export const robustness = experiment({
  name: "robustness",
  summary: "all integrators compared: order, small singular values, exactness, conservation, work and precision",
  parameters: z.object({
    methods: z
      .union([z.literal("all"), z.array(z.enum(methodNames)).nonempty()])
      .default("all")
      .describe(`all, or an array of ${methodNames.join(", ")}`),
    studies: z
      .union([z.literal("all"), z.array(z.enum(studies)).nonempty()])
      .default("all")
      .describe(`all, or an array of ${studies.join(", ")}`),
    sizes: z
      .array(z.int().min(4).max(64))
      .nonempty()
      .default([8, 16])
      .describe("numbers of spins of the quenches, an array of integers from 4 to 64"),
    steps: z
      .array(positive.max(0.5))
      .min(2)
      .default([0.1, 0.05, 0.025, 0.0125])
      .describe("step sizes of the quenches, falling, an array of numbers"),
    T: positive.default(1).describe("final time of the quenches, a positive number"),
    rank: z
      .union([z.int().positive(), z.literal("auto")])
      .default("auto")
      .describe("rank limit of the quenches, a positive integer, or auto (10 for up to eight spins, 20 for more)"),
    tolerance: positive.default(1e-8).describe("truncation tolerance of the quenches, a positive number"),
    accuracies: z
      .array(positive.max(0.1))
      .default([1e-3, 1e-4, 1e-5])
      .describe("rtol of the runs that choose their steps, an array of positive numbers; [] for none"),
    full: z.boolean().default(true).describe("whether all step sizes and printed numbers are run: true or false"),
    backend: runSettings.backend,
    executor: runSettings.executor,
  }),
  quick: { full: false, T: 0.3, steps: [0.1, 0.05, 0.025], rank: 8, accuracies: [1e-3] },
  async run(p, host) {
    if (p.steps.some((h, k) => k > 0 && h >= p.steps[k - 1]!))
      throw new ConfigError(`robustness: steps are ${p.steps.join(", ")}, expected step sizes that fall`);
    useBackend(p.backend);
    const names: readonly MethodName[] =
      p.methods === "all" ? methodNames : methodNames.filter((name) => p.methods.includes(name));
    const isAsked = (study: (typeof studies)[number]): boolean => p.studies === "all" || p.studies.includes(study);
    const rankFor = (d: number): number => (p.rank === "auto" ? (d <= 8 ? 10 : 20) : p.rank);
    const quenches = p.sizes.map((d) => quenchCase(d, p.steps, p.T, rankFor(d), p.tolerance));
    const count = p.full ? 4 : 3;
    const orderCases: readonly Case[] = [coupledCase(count), heatCase(count), quenches[0]!];
    const leaves = {
      flat: leafCase("flat", 0),
      tiny: leafCase("tiny", 0),
      others: [leafCase("flat", 1e-3), leafCase("tiny", 1e-3), matrixCase(12), ...(p.full ? [matrixCase(6)] : [])],
    };

    let done = 0;
    const expected = names.length * (2 * count + quenches.length * p.steps.length + 3 * (2 + leaves.others.length) + 8);
    const runs = new Runs({
      signal: host.signal,
      mostSteps: p.full ? 300 : 60,
      started: (what) => host.progress(Math.min(0.99, done++ / expected), what),
    });
    const tables: Record<string, unknown> = {};
    const figures: Record<string, string> = {};
    const d = p.sizes[0]!;
    const tree = balanced(d);
    const main = await record(spinChain("quench", longRangeIsing(tree), spinState(tree, "up"), p.T), {
      rtol: 1e-5,
      every: 1,
      signal: host.signal,
      executor: host.executor,
    });
    try {
      if (isAsked("order")) {
        const table = await orderTable(runs, names, orderCases);
        tables["order"] = table;
        figures["R1-order"] = await orderFigure(names, orderCases, table);
      }
      if (isAsked("robustness")) {
        const table = await robustnessTable(runs, names, leaves);
        tables["robustness"] = table;
        figures["R2-small-singular-values"] = await robustnessFigure(
          names,
          [leaves.flat, leaves.tiny, leaves.others.find((c) => c.name === "matrix12")!],
          (one, name) => (table[name]!.observed[one.name] as { error: number[] }).error,
        );
      }
      if (isAsked("exactness")) {
        const table = await exactnessTable(runs, names);
        tables["exactness"] = table;
        figures["R3-exactness"] = await exactnessFigure(names, table);
      }
      if (isAsked("conservation")) {
        const table = await conservationTable(names, host);
        tables["conservation"] = table;
        figures["R4-conservation"] = await conservationFigure(names, table);
      }
      if (isAsked("work")) {
        const table = await workTable(runs, names, quenches, p.accuracies);
        tables["work"] = table;
        for (const [k, one] of quenches.entries())
          figures[`R5-work-${p.sizes[k]}-spins`] = await workFigure(names, one, table);
      }
      if (isAsked("reference")) tables["reference"] = await referenceTable(runs, p.full);
    } catch (error) {
      if (!host.signal.aborted) throw error;
      return {
        record: { ...main, status: "interrupted", message: "interrupted; tables are missing" },
        extra: { tables },
        figures,
      };
    }
    return { record: main, extra: { tables }, figures };
  },
});

import * as z from "zod";
import { adaptiveMethods, type MethodName, methods, useBackend } from "../src/index.ts";
import { experiment, type RunRecord, record, runSettings } from "../src/io/index.ts";
import { shock } from "./kinetic-gallery/burgers.ts";
import { type Case, effort, type Finding, type Gallery, scales } from "./kinetic-gallery/case.ts";
import { ornsteinUhlenbeck } from "./kinetic-gallery/fokker-planck.ts";
import { wavePacket } from "./kinetic-gallery/henon-heiles.ts";
import { landau, twoStream } from "./kinetic-gallery/vlasov.ts";

const cases = {
  landau,
  "two-stream": twoStream,
  burgers: shock,
  "fokker-planck": ornsteinUhlenbeck,
  "henon-heiles": wavePacket,
} as const satisfies Readonly<Record<string, Case>>;

const names = Object.keys(cases) as [keyof typeof cases, ...(keyof typeof cases)[]];

/** A run that did not reach its end. */
class Ended extends Error {
  readonly record: RunRecord;

  constructor(made: RunRecord) {
    super(made.message ?? made.status);
    this.record = made;
  }
}

/** What is left of a problem whose run says nothing about what is exact: why, and what was observed. */
const withoutRates = (record: RunRecord, { message }: Error): Finding => ({
  record,
  table: {
    message,
    ...effort(record),
    times: record.times,
    observables: Object.fromEntries(
      Object.entries(record.observables).map(([name, values]) => [
        name,
        values.map((v) => (typeof v === "number" ? v : [...v])),
      ]),
    ),
  },
  figures: {},
});

/** Kinetic equations whose solutions are known in other ways. */
export const kineticGallery = experiment({
  name: "kinetic-gallery",
  summary: "Landau damping, two streams, uncertain Burgers, Fokker-Planck, Henon-Heiles, each beside what is exact",
  parameters: z.object({
    problems: z
      .union([z.literal("all"), z.array(z.enum(names)).nonempty()])
      .default("all")
      .describe(`all, or an array of ${names.join(", ")}`),
    scale: z.enum(scales).default("paper").describe("sizes and accuracies: paper, mid or quick"),
    integrator: z
      .enum(adaptiveMethods as readonly [MethodName, ...MethodName[]])
      .default("predicted")
      .describe(`one of the methods ${adaptiveMethods.join(", ")}`),
    maxRank: z.int().positive().default(128).describe("largest rank of an edge, a positive integer"),
    backend: runSettings.backend,
    executor: runSettings.executor,
  }),
  quick: { scale: "quick" },
  async run(p, host) {
    useBackend(p.backend);
    const chosen = names.filter((name) => p.problems === "all" || p.problems.includes(name));
    const findings: Partial<Record<(typeof names)[number], Finding>> = {};
    const failures: string[] = [];
    let stopped: { readonly name: string; readonly record: RunRecord } | null = null;
    for (const [done, name] of chosen.entries()) {
      let last: RunRecord | null = null;
      const gallery: Gallery = {
        scale: p.scale,
        method: methods[p.integrator].name,
        async run(problem, { h, tolerance, relative = false, solver, every = 1, onStep }) {
          const made = await record(problem, {
            integrator: methods[p.integrator],
            h,
            truncation: { tolerance, relative, maxRank: p.maxRank },
            ...(solver ? { solver } : {}),
            every,
            signal: host.signal,
            executor: host.executor,
            onStep(snapshot) {
              const share = snapshot.t / problem.span[1];
              host.progress(
                (done + share) / chosen.length,
                `${name}   t = ${snapshot.t.toFixed(3)}   rank ${Math.max(...snapshot.ranks)}`,
              );
              onStep?.(snapshot);
            },
          });
          if (made.status !== "completed") throw new Ended(made);
          last = made;
          return made;
        },
      };
      try {
        findings[name] = await cases[name](gallery);
      } catch (error) {
        if (error instanceof Ended) {
          stopped = { name, record: error.record };
          break;
        }
        if (last === null) throw error; // before any work
        findings[name] = withoutRates(last, error as Error);
        failures.push(`${name}: ${(error as Error).message}`);
      }
    }
    const found = Object.entries(findings) as [string, Finding][];
    const main = stopped
      ? { ...stopped.record, message: `${stopped.name}: ${stopped.record.message}` }
      : {
          ...found[0]![1].record,
          ...(failures.length > 0 ? { status: "failed" as const, message: failures.join("; ") } : {}),
        };
    return {
      record: main,
      extra: { problems: Object.fromEntries(found.map(([name, { table }]) => [name, table])) },
      figures: Object.assign({}, ...found.map(([, { figures }]) => figures)),
    };
  },
});

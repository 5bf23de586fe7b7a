import {
  EvolutionError,
  evolve,
  type Integrator,
  inline,
  type LocalSolver,
  type MethodName,
  methods,
  norm,
  type Problem,
  type TTN,
} from "../../src/index.ts";
import { meter, type Path } from "./meter.ts";

/** One problem for all methods: those that adapt ranks and those that keep them may start from different states. */
export interface Case {
  readonly name: string;
  /** What a figure calls it. */
  readonly label: string;
  /** Step sizes, falling. */
  readonly steps: readonly number[];
  /** Where methods of this kind start, and how far an end is from the truth. */
  prepare(isAdaptive: boolean): Promise<Prepared>;
  readonly solver?: (h: number) => LocalSolver;
  /** For methods that adapt ranks. Default: off. */
  readonly tolerance?: number | "off";
  /** Largest rank, for methods that adapt ranks. */
  readonly maxRank?: number;
}

export interface Prepared {
  readonly problem: Problem;
  errorOf(y: TTN): number;
}

/** A step size, or an accuracy that chooses it. */
export type Fineness = { readonly h: number } | { readonly rtol: number };

/** What one run gave. A run that failed has NaN for its error, and says why. */
export interface Marched {
  readonly failure?: string;
  readonly steps: number;
  /** Distance of the end from the truth. */
  readonly error: number;
  /** Largest | |Y(t)| - |Y(0)| |. */
  readonly normDrift: number;
  readonly applications: number;
  /** Of all steps. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly maxRank: number;
  readonly path: Path;
}

/** Steps that a starter may take: they are left out of averages. */
const starting = 2;

export interface RunsHost {
  readonly signal: AbortSignal;
  /** Where steps are chosen, more than this many are given up: the method does not get along with its problem. */
  readonly mostSteps: number;
  started(what: string): void;
}

/** Runs methods on cases, each pair once, however many tables ask for it. */
export class Runs {
  readonly #done = new Map<string, Promise<Marched>>();
  readonly #prepared = new Map<string, Promise<Prepared>>();
  readonly #host: RunsHost;

  constructor(host: RunsHost) {
    this.#host = host;
  }

  /** One run of a method by name. */
  of(one: Case, name: MethodName, fineness: Fineness): Promise<Marched> {
    return this.with(one, name, methods[name], fineness);
  }

  /** Runs of a method at all step sizes of a case, coarse to fine. */
  async ladder(one: Case, name: string, integrator: Integrator): Promise<Marched[]> {
    const all: Marched[] = [];
    for (const h of one.steps) all.push(await this.with(one, name, integrator, { h }));
    return all;
  }

  /** One run of a method that has no name of its own. */
  with(one: Case, name: string, integrator: Integrator, fineness: Fineness): Promise<Marched> {
    const how = Object.entries(fineness)[0]!.join(" = ");
    return once(this.#done, `${one.name}, ${name}, ${how}`, async () => {
      this.#host.started(`${one.label}: ${name}, ${how}`);
      const isAdaptive = integrator.promises.rankAdaptive;
      const prepared = await once(this.#prepared, `${one.name}, ${isAdaptive}`, () => one.prepare(isAdaptive));
      return march(one, prepared, integrator, fineness, this.#host);
    });
  }
}

function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const made = known.get(key) ?? make();
  known.set(key, made);
  return made;
}

async function march(
  { solver, tolerance = "off", maxRank }: Case,
  { problem, errorOf }: Prepared,
  integrator: Integrator,
  fineness: Fineness,
  { signal, mostSteps }: RunsHost,
): Promise<Marched> {
  const metered = meter(problem.rhs, inline());
  const size = norm(problem.initial);
  const limit = maxRank === undefined ? {} : { maxRank };
  let normDrift = 0;
  let applications = 0;
  let wallSeconds = 0;
  let largestRank = 1;
  let count = 0;
  let y = problem.initial;
  let failure: string | undefined;
  const begin = process.cpuUsage();
  try {
    const run = evolve(
      { ...problem, rhs: metered.rhs, observables: {} },
      {
        integrator,
        executor: metered.executor,
        signal,
        ...fineness,
        ...("h" in fineness
          ? {
              ...(solver ? { solver: solver(fineness.h) } : {}),
              truncation: integrator.promises.rankAdaptive ? { tolerance, ...limit } : { tolerance: "off" },
            }
          : {}),
      },
    );
    for await (const step of run) {
      if (step.step > 0) metered.step();
      count = step.step;
      y = step.y;
      normDrift = Math.max(normDrift, Math.abs(norm(y) - size));
      applications += step.applications;
      wallSeconds += step.seconds;
      largestRank = Math.max(largestRank, ...step.ranks);
      if ("rtol" in fineness && count === mostSteps && step.t < problem.span[1]) {
        failure = `given up after ${count} steps, at t = ${step.t}`;
        break;
      }
    }
  } catch (error) {
    if (!(error instanceof EvolutionError)) throw error;
    failure = error.message;
  }
  const { user, system } = process.cpuUsage(begin);
  return {
    ...(failure === undefined ? {} : { failure }),
    steps: count,
    error: failure === undefined ? errorOf(y) : Number.NaN,
    normDrift,
    applications,
    cpuSeconds: (user + system) / 1e6,
    wallSeconds,
    maxRank: largestRank,
    path: metered.average(starting),
  };
}

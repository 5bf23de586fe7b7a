import {
  add,
  applyOperator,
  asDtype,
  leavesTangentSpace,
  modeSizes,
  type ProductTerm,
  productSum,
  randomState,
  ranks,
  roomFor,
  scale,
  seeded,
  type Tensor,
  type Tree,
  type TTN,
  type TTNO,
  toDense,
  useBackend,
} from "../src/index.ts";
import {
  ConfigError,
  evolveOptions,
  type Host,
  integratorOf,
  isChosen,
  lineChart,
  type Outcome,
  type RunRecord,
  type RunSettings,
  record,
  type Series,
  stepOf,
} from "../src/io/index.ts";
import { exactSolution, largestExact, spinChain, spinOperators } from "../src/problems/index.ts";

type SpinSettings = RunSettings & {
  readonly exact: boolean;
  readonly compare: boolean;
  readonly ladder: number;
  readonly initialRank: number | "auto";
};

/** What a study of a spin chain needs besides the settings of its run. */
export interface SpinStudy {
  readonly name: string;
  readonly tree: Tree;
  readonly terms: readonly ProductTerm[];
  /** The initial state, its edges padded to a rank. */
  readonly initial: (rank: number) => TTN;
  readonly settings: SpinSettings;
  readonly host: Host;
}

/**
 * Runs a spin chain; with `compare` also by augmented BUG (or, where that is the integrator, parallel BUG); with `exact` against
 * the full solution, and then at 2, 4, ... times the step size, or 10, 100, ... times the accuracy, too (`ladder` runs in all).
 * Makes the figures F1 to F5 as far as the data go. Settings that exclude each other throw a ConfigError before any work.
 */
export async function studySpins(study: SpinStudy): Promise<Outcome> {
  const { name, tree, terms, settings, host } = study;
  const d = tree.order;
  if (settings.exact && 2 ** d > largestExact)
    throw new ConfigError(`${name}: exact is true with d = ${d}; the full solution is computed up to d = 12`);
  evolveOptions(settings);
  useBackend(settings.backend);
  const hamiltonian = productSum(tree, Array<number>(d).fill(2), terms);
  const initial = startOf(study.initial, hamiltonian, settings);
  const plain = spinChain(name, hamiltonian, initial, settings.T);
  const exact = settings.exact ? exactSolution(terms, toDense(initial)) : null;
  const problem = exact
    ? {
        ...plain,
        observables: { ...plain.observables, state_error: (y: TTN, t: number) => distance(toDense(y), exact(t)) },
      }
    : plain;

  const all: RunRecord[] = [];
  const runWith = async (own: SpinSettings, observed: boolean): Promise<RunRecord> => {
    const label = `${integratorOf(own).name}, ${Object.entries(sizeOf(own))[0]!.join(" = ")}`;
    const every = observed ? own.every : Math.ceil(own.T / stepOf(own));
    const made = await record(problem, {
      ...evolveOptions(own),
      every,
      signal: host.signal,
      executor: host.executor,
      onStep: ({ t, ranks }) => host.progress(t / own.T, `${label}   t = ${t.toFixed(3)}   rank ${Math.max(...ranks)}`),
    });
    all.push(made);
    return made;
  };
  const main = await runWith(settings, true);
  const runs: Run[] = [{ name: integratorOf(settings).name, settings, record: main }];
  if (settings.compare && main.status === "completed") {
    const other: SpinSettings = {
      ...settings,
      integrator: settings.integrator === "augmented" ? "parallel" : "augmented",
      root: "auto",
      coupling: "auto",
      firstStep: "auto",
    };
    runs.push({ name: integratorOf(other).name, settings: other, record: await runWith(other, true) });
  }
  const ladders: Ladder[] = [];
  if (exact)
    for (const { name: method, settings: own, record: finest } of runs.filter((r) => r.record.status === "completed")) {
      const points = [{ ...sizeOf(own), error: lastOf(finest, "state_error") }];
      for (let k = 1; k < own.ladder && !host.signal.aborted; k++) {
        const coarser = coarserBy(own, k);
        if (coarser === null) break;
        const coarse = await runWith(coarser, false);
        if (coarse.status === "completed") points.push({ ...sizeOf(coarser), error: lastOf(coarse, "state_error") });
      }
      ladders.push({ method, points: points.reverse() });
    }
  const extra = {
    tree: settings.tree,
    ...(runs.length > 1 ? { comparison: comparisonOf(runs[1]!) } : {}),
    ...(ladders.length > 0 ? { ladder: ladders } : {}),
  };
  const stopped = all.find((r) => r.status !== "completed");
  const told =
    stopped && stopped !== main
      ? { ...main, status: stopped.status, message: `in the runs beside it, ${stopped.message}` }
      : main;
  return { record: told, extra, figures: await figures(runs, ladders, exact, d) };
}

/** What says how fine a run is: its step size, or its accuracy. */
const sizeOf = (s: SpinSettings): Record<string, number> =>
  s.rtol !== "off" ? { rtol: s.rtol } : s.atol !== "off" ? { atol: s.atol } : { dt: stepOf(s) };

/** The same run k times coarser: at 2^k dt, or at 10^k times the accuracy; null where no such run makes sense. */
function coarserBy(s: SpinSettings, k: number): SpinSettings | null {
  if (!isChosen(s)) return 2 ** k * stepOf(s) <= s.T ? { ...s, dt: 2 ** k * stepOf(s) } : null;
  const times = (v: number | "off"): number | "off" => (v === "off" ? v : v * 10 ** k);
  const [rtol, atol] = [times(s.rtol), times(s.atol)];
  return [rtol, atol].every((v) => v === "off" || v <= 0.1) ? { ...s, rtol, atol } : null;
}

/** What the largest rank of a start is for methods that keep ranks, when nothing says it. */
const usualFixedRank = 8;

/**
 * The start with the room that its first steps need. With "auto", that is none where H moves a product state within the tangent
 * space, since methods that adapt ranks find better directions than padding has; the directions of H Y where it does not, for
 * there BUG would stand still. A parallel first step is padded to rank two, as in the paper. Methods that keep their ranks
 * get `maxRank` to start with, or eight.
 */
function startOf(initial: SpinStudy["initial"], h: TTNO, settings: SpinSettings): TTN {
  const { initialRank, integrator, firstStep, maxRank, seed } = settings;
  if (initialRank !== "auto") return initial(initialRank);
  const y = initial(1);
  const image = applyOperator(h, y);
  const roomy = leavesTangentSpace(y, image) ? roomFor(y, image) : null;
  if (!integratorOf(settings).promises.rankAdaptive) {
    const rank = maxRank === "auto" ? usualFixedRank : maxRank;
    return roomy ? padded(roomy, rank, seed) : initial(rank);
  }
  return roomy ?? (integrator === "parallel" && firstStep === "parallel" ? initial(2) : y);
}

/** The same state with edges of this rank, where they are less: new directions are random, with amplitude zero. */
function padded(y: TTN, rank: number, seed: number): TTN {
  const more = rank - Math.max(...ranks(y));
  return more > 0 ? add(y, scale(0, randomState(y.tree, modeSizes(y), more, seeded(seed), "complex128"))) : y;
}

interface Run {
  readonly name: string;
  readonly settings: SpinSettings;
  readonly record: RunRecord;
}

interface Ladder {
  readonly method: string;
  readonly points: readonly Readonly<Record<string, number>>[];
}

const lastOf = (r: RunRecord, name: string): number => r.observables[name]!.at(-1) as number;

const comparisonOf = ({ name, record: r }: Run) => ({
  integrator: name,
  times: r.times,
  sz_mean: r.observables["sz_mean"],
  energy: r.observables["energy"],
  norm: r.observables["norm"],
  ...(r.observables["state_error"] ? { state_error: r.observables["state_error"] } : {}),
  ranks: r.ranks,
  seconds: r.seconds,
});

function distance(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) * (a.data[i]! - b.data[i]!);
  return Math.sqrt(sum);
}

/** The mean of <Z_k> in a full state: probabilities weighted with the share of spins up minus that of spins down. */
function magnetisation(psi: Tensor, d: number): number {
  const z = asDtype(spinOperators["Z"]!, "float64");
  const signs = [z.data[0]!, z.data[3]!];
  let sum = 0;
  for (let p = 0; p < psi.data.length / 2; p++) {
    const weight = psi.data[2 * p]! * psi.data[2 * p]! + psi.data[2 * p + 1]! * psi.data[2 * p + 1]!;
    for (let k = 0; k < d; k++) sum += weight * signs[Math.floor(p / 2 ** k) % 2]!;
  }
  return sum / d;
}

async function figures(
  runs: readonly Run[],
  ladders: readonly Ladder[],
  exact: ((t: number) => Tensor) | null,
  d: number,
): Promise<Record<string, string>> {
  const time = { label: "time" };
  const seriesOf = (pick: (r: RunRecord) => readonly number[]): Series[] =>
    runs.map(({ name, record: r }) => ({ name, x: r.times, y: pick(r) }));
  const scalar = (name: string) => (r: RunRecord) => r.observables[name] as number[];
  const known = new Map<number, number>(); // runs of one step size share their times
  const truth =
    exact &&
    ((t: number): number => {
      if (!known.has(t)) known.set(t, magnetisation(exact(t), d));
      return known.get(t)!;
    });
  const made: Record<string, string> = {
    "F1-magnetisation": await lineChart({
      title: "Mean magnetisation",
      x: time,
      y: { label: "⟨σz⟩ / d" },
      series: [
        ...(truth ? [{ name: "exact", x: runs[0]!.record.times, y: runs[0]!.record.times.map(truth) }] : []),
        ...seriesOf(scalar("sz_mean")),
      ],
    }),
    "F2-norm-energy": await lineChart({
      title: "Norm and energy",
      panels: [
        { x: time, y: { label: "norm" }, series: seriesOf(scalar("norm")) },
        { x: time, y: { label: "energy" }, series: seriesOf(scalar("energy")) },
      ],
    }),
    "F3-ranks": await lineChart({
      title: "Largest rank",
      x: time,
      y: { label: "max rank" },
      series: seriesOf((r) => r.ranks.map((all) => Math.max(...all))),
    }),
  };
  if (truth)
    made["F4-magnetisation-error"] = await lineChart({
      title: "Error of the mean magnetisation",
      x: time,
      y: { label: "|error|", log: true },
      series: seriesOf((r) => scalar("sz_mean")(r).map((v, k) => Math.abs(v - truth(r.times[k]!)))),
    });
  const top = ladders[0]?.points[0];
  if (top && ladders[0]!.points.length > 1) {
    const key = Object.keys(top)[0]!;
    const through = [top[key]!, top["error"]!] as const;
    made["F5-error-vs-step"] = await lineChart({
      title: "State error at the final time",
      x: { label: key === "dt" ? "step size" : `accuracy asked for (${key})`, log: true },
      y: { label: "‖Y − exact‖", log: true },
      series: ladders.map(({ method, points }) => ({
        name: method,
        x: points.map((p) => p[key]!),
        y: points.map((p) => p["error"]!),
      })),
      guides:
        key === "dt"
          ? [
              { kind: "power", exponent: 1, through, label: "h" },
              { kind: "power", exponent: 2, through, label: "h²" },
            ]
          : [{ kind: "power", exponent: 1, through: [1, 1], label: "error = accuracy" }],
    });
  }
  return made;
}

import { describe, expect, test } from "vitest";
import {
  augmentedBug,
  balanced,
  edgesOf,
  type Integrator,
  modesBelow,
  parallelBug,
  type Snapshot,
  schmidtValues,
} from "../../src/index.ts";
import { type IsingReference, isingNames, isingReference, original } from "./references.ts";
import { maxOf, quench, slopeOf, snapshots } from "./support.ts";

const alphaOf = ({ alpha }: IsingReference): number => (alpha === "inf" ? Number.POSITIVE_INFINITY : alpha);

const gap = (a: ArrayLike<number>, b: readonly number[]): number => maxOf(b.map((v, i) => Math.abs(v - (a[i] ?? 0))));

/** The reference's Schmidt values at this time; null where it stores none. */
const schmidtAt = (reference: IsingReference, t: number) =>
  Object.entries(reference.schmidt).find(([key]) => Math.abs(Number(key) - t) < 1e-9)?.[1] ?? null;

/** Largest deviation from the reference, over all stored times. */
function deviations(reference: IsingReference, all: readonly Snapshot[]) {
  const observed = all.filter((s) => s.observables !== null);
  expect(observed.map((s) => s.t)).toEqual(reference.times.map((t) => expect.closeTo(t, 12)));
  let schmidt = 0;
  let edges = 0;
  for (const { y, t } of observed) {
    const stored = schmidtAt(reference, t);
    if (!stored) continue;
    for (const id of edgesOf(y.tree)) {
      const sites = modesBelow(y.tree, id).map((mode) => mode + 1);
      schmidt = Math.max(schmidt, gap(schmidtValues(y, id), stored[`${sites[0]}-${sites.at(-1)}`]!));
      edges++;
    }
  }
  expect(edges).toBe(3 * (2 * reference.d - 2)); // t = 0.1, 0.5, 1
  const of = (name: string, rows: readonly (readonly number[])[]): number =>
    maxOf(observed.map((s, k) => gap(s.observables![name] as Float64Array, rows[k]!)));
  return {
    magnetisation: Math.max(of("sz", reference.sz), of("sx", reference.sx)),
    energy: maxOf(observed.map((s, k) => Math.abs((s.observables!["energy"] as number) - reference.energy[k]!))),
    schmidt,
  };
}

/*
 * Tolerance 1e-10 a step: over 200 steps truncation moves the state by at most 2e-8, and what depends on the state
 * linearly (Schmidt values) or with |A| = 1 (sz, sx) by at most 4e-8. In d = 4 bases are complete after one step, so
 * that nothing else is left; the energy is kept by the Galerkin root whatever the step is.
 */
const truncationError = 4e-8;

describe.each(isingNames)("against the exact solution %s", (name) => {
  const reference = isingReference(name);
  const steps = reference.d === 10 ? [0.02, 0.01] : [0.02, 0.01, 0.005];

  test.each([
    ["augmented BUG", augmentedBug()],
    ["parallel BUG", parallelBug()],
  ] as [string, Integrator][])(
    "%s: magnetisations, energy, Schmidt values of every edge, to its order",
    async (_, integrator) => {
      const { problem } = quench(balanced(reference.d), { ...reference, alpha: alphaOf(reference) }, 1);
      const rows = [];
      for (const h of steps) {
        const all = await snapshots(problem, {
          integrator,
          h,
          truncation: { tolerance: 1e-10 },
          observeAt: reference.times,
        });
        rows.push({ h, ...deviations(reference, all) });
      }
      for (const { energy } of rows) expect(energy).toBeLessThan(1e-9);
      const finest = rows.at(-1)!;
      if (reference.d === 4) {
        for (const r of rows) expect(Math.max(r.magnetisation, r.schmidt)).toBeLessThan(truncationError);
        return;
      }
      // the quench of a product state is started with an error of order h^2 at least; C h^2 with the C of the coarsest run
      expect(finest.magnetisation).toBeLessThan(0.3 * finest.h * finest.h);
      expect(finest.schmidt).toBeLessThan(0.3 * finest.h * finest.h);
      for (const key of ["magnetisation", "schmidt"] as const)
        expect(slopeOf(rows.map((r) => ({ h: r.h, error: r[key] })))).toBeGreaterThan(integrator.promises.order);
    },
  );
});

test("the full solution that experiments compare with is the stored one", () => {
  for (const name of ["d4_alpha1", "d4_alpha3", "d8_alpha1"] as const) {
    const reference = isingReference(name);
    const { exact } = quench(balanced(reference.d), { ...reference, alpha: alphaOf(reference) }, 1);
    for (const [key, { re, im }] of Object.entries(reference.psi)) {
      const psi = exact(Number(key));
      for (let p = 0; p < 2 ** reference.d; p++) {
        // their site 1 runs fastest, our mode 0 slowest
        const q = Array.from({ length: reference.d }, (_, k) => ((p >> k) & 1) << (reference.d - 1 - k)).reduce(
          (a, b) => a + b,
        );
        expect(Math.hypot(psi.data[2 * q]! - re[p]!, psi.data[2 * q + 1]! - im[p]!)).toBeLessThan(2e-12);
      }
    }
  }
});

test.runIf(original("ising_d4_alpha1_setA.json"))("the committed data are those of the shared reference folder", () => {
  for (const name of isingNames) {
    const ours = isingReference(name);
    const theirs = original(`ising_${name}_setA.json`) as unknown as Record<string, number[]> & {
      magnetization_z_per_site: number[][];
    };
    ours.times.forEach((t, k) => {
      const at = theirs["times"]!.findIndex((s) => Math.abs(s - t) < 1e-9);
      expect(theirs.magnetization_z_per_site[at]).toEqual(ours.sz[k]);
      expect(theirs["energy"]![at]).toBe(ours.energy[k]);
    });
  }
});

import { describe, expect, test } from "vitest";
import { automatic, evolve, type TTN, toDense } from "../../src/index.ts";
import { distance } from "../ttn/dense.ts";
import { cubic, driven, last, packets, quench, rotations } from "./automatic-cases.ts";

const tolerances = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8];
describe.each([quench, driven, packets, cubic, rotations].map((make) => [make.name, make] as const))(
  "the accuracy asked for: %s",
  (_name, make) => {
    const { problem, exact } = make();
    const size = Math.hypot(...exact.data);
    const errorOf = (y: TTN): number => distance(toDense(y), exact) / size;

    test("is met, neither missed nor exceeded by far, and asking for more gives more", async () => {
      let before = Number.POSITIVE_INFINITY;
      for (const rtol of tolerances) {
        const error = errorOf((await last(evolve(problem, { rtol }))).y);
        expect(error / rtol).toBeGreaterThan(0.05);
        expect(error / rtol).toBeLessThan(5);
        expect(error).toBeLessThan(before);
        before = error;
      }
    });

    test("costs no more than 2.5 times the best steps of one size", async () => {
      // the ratio falls with rtol; a run of two steps, such as the cubic equation's over half this span at 1e-2, has 2.8
      for (const rtol of [quench, packets].includes(make) ? tolerances : tolerances.slice(0, 5)) {
        const chosen = (await last(evolve(problem, { rtol }))).work;
        const T = problem.span[1];
        let best = Number.POSITIVE_INFINITY;
        for (const share of [0.3, 0.1]) {
          const byHand = async (count: number): Promise<{ error: number; work: number }> => {
            const h = T / count;
            const tolerance = (0.1 * rtol) / count;
            const { y, work } = await last(
              evolve(problem, {
                h,
                truncation: { tolerance: (share * rtol * size) / count },
                solver: automatic({ tolerance, basisTolerance: tolerance }),
              }),
            );
            return { error: errorOf(y), work };
          };
          // the smallest number of steps that meets the tolerance, to 10 %
          let [low, high] = [1, 2];
          while ((await byHand(high)).error > rtol) [low, high] = [high, 2 * high];
          while (high / low > 1.1 && high - low > 1) {
            const middle = Math.round(Math.sqrt(low * high));
            if ((await byHand(middle)).error > rtol) low = middle;
            else high = middle;
          }
          best = Math.min(best, (await byHand(high)).work);
        }
        console.info(
          `${_name}, rtol = ${rtol}: ${(chosen / best).toFixed(2)} times the work of the best steps of one size`,
        );
        expect(chosen / best).toBeLessThan(2.5);
      }
    });
  },
);

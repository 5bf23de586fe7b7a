import { balanced } from "../../src/index.ts";
import { lineChart, type RunRecord } from "../../src/io/index.ts";
import { fokkerPlanck } from "../../src/problems/index.ts";
import { type Case, effort, numbers } from "./case.ts";

/** The covariance of an Ornstein-Uhlenbeck process in six dimensions, at several step sizes. */
export const ornsteinUhlenbeck: Case = async ({ scale, method, run }) => {
  const d = 6;
  const { n, T } = { paper: { n: 10, T: 1 }, mid: { n: 9, T: 0.7 }, quick: { n: 8, T: 0.4 } }[scale];
  const problem = fokkerPlanck({ tree: balanced(d), n, T });
  // tolerances fall with the steps, so that both parts of the error do
  const ladder = [
    { h: 0.2, tolerance: 1e-6 },
    { h: 0.1, tolerance: 1e-7 },
    { h: 0.05, tolerance: 1e-8 },
  ];
  const runs: RunRecord[] = [];
  for (const stepping of ladder) runs.push(await run(problem, stepping));
  const finest = runs.at(-1)!;
  const times = finest.times;
  const exact = times.map((t) => problem.exact(t).covariance.data);
  const values = finest.observables["covariance"] as Float64Array[];
  const entries = [
    [0, 0],
    [5, 5],
    [0, 1],
    [0, 2],
  ] as const;
  return {
    record: finest,
    table: {
      dimensions: d,
      runs: runs.map((record, k) => ({
        ...ladder[k]!,
        covarianceError: Math.max(...numbers(record, "covariance_error")),
        massError: Math.max(...numbers(record, "mass").map((m) => Math.abs(m - 1))),
        ...effort(record),
      })),
    },
    figures: {
      "K5-fokker-planck": await lineChart({
        title: `Fokker-Planck equation in ${d} dimensions, ${method}`,
        panels: [
          {
            title: "entries of the covariance",
            x: { label: "t" },
            y: { label: "covariance" },
            series: [
              {
                name: "exact",
                x: entries.flatMap(() => [...times, Number.NaN]),
                y: entries.flatMap(([i, j]) => [...exact.map((s) => s[i * d + j]!), Number.NaN]),
              },
              ...entries.map(([i, j]) => ({
                name: `Σ${i + 1}${j + 1}`,
                x: times,
                y: values.map((s) => s[i * d + j]!),
              })),
            ],
          },
          {
            title: "largest error of an entry",
            x: { label: "t" },
            y: { label: "error of the covariance", log: true },
            series: runs.map((record, k) => ({
              name: `h = ${ladder[k]!.h}, tolerance ${ladder[k]!.tolerance.toExponential(0)}`,
              x: record.times.slice(1), // the start has round-off alone
              y: numbers(record, "covariance_error").slice(1),
            })),
            guides: [{ kind: "horizontal", y: 1e-6, label: "1e-6" }],
          },
        ],
      }),
    },
  };
};

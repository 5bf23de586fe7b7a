import type { EvolveOptions, Problem, Snapshot } from "../../src/index.ts";
import type { RunRecord } from "../../src/io/index.ts";

export const scales = ["paper", "mid", "quick"] as const;

export type Scale = (typeof scales)[number];

/** How a problem is run: its steps and accuracy; the method is the same for all. */
export interface Stepping {
  readonly h: number;
  readonly tolerance: number;
  readonly relative?: boolean;
  readonly solver?: NonNullable<EvolveOptions["solver"]>;
  /** Steps between two observations. Default 1. */
  readonly every?: number;
  readonly onStep?: (snapshot: Snapshot) => void;
}

/** What a case may ask for. */
export interface Gallery {
  readonly scale: Scale;
  /** Name of the method, for figures. */
  readonly method: string;
  /** Runs a problem to its end; what stops it earlier ends the gallery. */
  run(problem: Problem, stepping: Stepping): Promise<RunRecord>;
}

/** What a case found. */
export interface Finding {
  /** The run that it is about. */
  readonly record: RunRecord;
  /** Measured numbers beside the exact ones, for `result.json`. */
  readonly table: Readonly<Record<string, unknown>>;
  readonly figures: Readonly<Record<string, string>>;
}

/** One problem of the gallery. An error after its run leaves that to the gallery, which goes on. */
export type Case = (gallery: Gallery) => Promise<Finding>;

/** |a - b| / |b|. */
export const relativeError = (a: number, b: number): number => Math.abs(a - b) / Math.abs(b);

/** Values of a scalar observable. */
export const numbers = (record: RunRecord, name: string): number[] => record.observables[name] as number[];

/** How a run went. */
export const effort = ({ ranks, stepSeconds, times }: RunRecord): Readonly<Record<string, unknown>> => ({
  T: times.at(-1),
  ranks: ranks.at(-1),
  seconds: stepSeconds.reduce((a, b) => a + b, 0),
});

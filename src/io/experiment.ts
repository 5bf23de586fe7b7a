import type * as z from "zod";
import type { Executor } from "../integrators/executor.ts";
import type { NpyArray } from "./npz.ts";
import type { RunRecord } from "./record.ts";

/** What an experiment may use of the program that runs it. */
export interface Host {
  readonly signal: AbortSignal;
  /** Where local problems are solved. */
  readonly executor: Executor;
  /** Shows how far a part of the work has come, from 0 to 1. */
  progress(share: number, what: string): void;
}

/** What an experiment made. */
export interface Outcome {
  /** The run that the experiment is about. */
  readonly record: RunRecord;
  /** More fields for `result.json`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** More arrays for `result.npz`. */
  readonly arrays?: Readonly<Record<string, NpyArray>>;
  /** SVG figures by file name, without the ending. */
  readonly figures: Readonly<Record<string, string>>;
}

/** One reproducible study: parameters with defaults, and what is done with them. */
export interface Experiment<S extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string;
  /** One line for `dlra list`. */
  readonly summary: string;
  readonly parameters: z.ZodObject<S>;
  /** Parameters of the quick form, which takes seconds. */
  readonly quick: Readonly<Record<string, unknown>>;
  /** Checks what only shows with all parameters together, then runs. Bad input throws before any work. */
  run(parameters: z.infer<z.ZodObject<S>>, host: Host): Promise<Outcome>;
}

/** An experiment whose parameters are forgotten, so that different ones fit in one list. */
export const experiment = <S extends z.ZodRawShape>(e: Experiment<S>): Experiment => e as unknown as Experiment;

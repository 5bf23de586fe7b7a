import type { Rhs } from "./rhs.ts";
import type { TTN } from "./ttn.ts";

/** What an observable gives: a number, or one for each site, edge, ... */
export type ObservedValue = number | Float64Array;

/** A function of the state (centre at the root) and the time. Environments it needs are shared with the time step. */
export type Observable = (y: TTN, t: number) => ObservedValue;

/** An initial value problem with what is to be observed. */
export interface Problem {
  readonly name: string;
  readonly rhs: Rhs;
  readonly initial: TTN;
  /** [t0, t1]; t1 < t0 runs backwards. */
  readonly span: readonly [number, number];
  readonly observables: Readonly<Record<string, Observable>>;
}

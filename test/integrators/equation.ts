import { functionRhs, type Rhs, scale } from "../../src/index.ts";

/** Y' = -rate t Y, in a module of its own. */
export const decay = (rate: number): Rhs => functionRhs((t, y) => scale(-rate * t, y));

export const nothing = 1;

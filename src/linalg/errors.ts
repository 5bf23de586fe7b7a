/** A number that is NaN or infinite reached a routine that needs finite ones. */
export class NonFiniteError extends Error {
  override readonly name = "NonFiniteError";
}

/** An iteration (singular values, eigenvalues) ended at its limit of sweeps without converging. */
export class ConvergenceError extends Error {
  override readonly name = "ConvergenceError";
}

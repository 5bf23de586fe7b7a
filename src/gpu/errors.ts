/** Why a GPU could not do what was asked. */
export type GpuFailure = "no-adapter" | "device-lost" | "out-of-memory" | "refused";

/**
 * A GPU that is not there ("no-adapter"), went away ("device-lost"), lacks the memory ("out-of-memory") or refused a command
 * ("refused", a mistake of the program). Nothing on this side was changed.
 */
export class GpuError extends Error {
  override readonly name = "GpuError";
  readonly code: GpuFailure;

  constructor(code: GpuFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

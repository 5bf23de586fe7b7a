/** Where a command writes, and what interrupts it. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  /** Ends a run early; what was computed is written. */
  readonly signal: AbortSignal;
}

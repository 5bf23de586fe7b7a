/**
 * Lets events in, such as an interrupt, which work without a pause never hears of: a function to be called often, which waits for them
 * where 50 ms have gone by since it last did, and throws the signal's reason once that is aborted.
 */
export function pauses(signal: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last >= 50) {
      await new Promise((resolve) => void setImmediate(resolve));
      last = performance.now();
    }
    signal.throwIfAborted();
  };
}

/** What work comes to that yields the share that is done, with pauses in between. */
export async function withPauses<T>(
  work: Generator<number, T>,
  { signal, progress }: { readonly signal: AbortSignal; progress(share: number): void },
): Promise<T> {
  const pause = pauses(signal);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await pause();
    progress(value);
  }
}

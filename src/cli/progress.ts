/** A progress bar of one line, redrawn at most ten times a second; silent where the stream is no terminal. */
export function progressBar(stream: {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}) {
  let last = Number.NEGATIVE_INFINITY;
  let drawn = false;
  return {
    show(share: number, what: string): void {
      const now = performance.now();
      if (!stream.isTTY || (now - last < 100 && share < 1)) return;
      last = now;
      const cells = 24;
      const full = Math.round(cells * Math.min(1, Math.max(0, share)));
      const line = `${"█".repeat(full)}${"░".repeat(cells - full)} ${(100 * share).toFixed(0).padStart(3)} %  ${what}`;
      stream.write(`\r\x1b[2K${line.slice(0, (stream.columns ?? 80) - 1)}`);
      drawn = true;
    },
    clear(): void {
      if (drawn) stream.write("\r\x1b[2K");
      drawn = false;
    },
  };
}

#!/usr/bin/env node
import { enableRelaxedSimd } from "../linalg/index.ts";
import { main } from "./command.ts";

enableRelaxedSimd();

const stop = new AbortController();
const interrupt = (): void => {
  if (stop.signal.aborted) process.exit(130); // the second time: at once
  stop.abort(new Error("interrupted"));
};
// mpirun and Slurm (--signal=USR2@60) can pass SIGUSR2 on to ranks in time
process.on("SIGINT", interrupt).on("SIGTERM", interrupt).on("SIGUSR2", interrupt);
process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stop.signal,
});

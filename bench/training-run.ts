import { type BackendName, enableRelaxedSimd } from "../src/linalg/index.ts";
import { type Net, samples, trainingTime } from "./training.ts";

/*
 * node training-run.js <backend> <net> [rank | tau <value>]: one row of `training` in a process that does nothing else, since what
 * garbage collection costs depends on what else there is. Prints JSON.
 */
const [backend, net, kind, value] = process.argv.slice(2) as [BackendName, Net, "rank" | "tau" | undefined, string];
enableRelaxedSimd();
const options = { epochs: 3, ...(kind && { [kind]: Number(value) }) };
process.stdout.write(JSON.stringify(await trainingTime(backend, net, samples(10000), options)));

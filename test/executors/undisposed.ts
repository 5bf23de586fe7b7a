import { evolve, workers } from "../../src/index.ts";
import { spins } from "./spins.ts";

// A program that does not dispose its workers: `node undisposed.js <smallest>` prints "done" and ends.
const executor = workers({ count: 2, smallest: Number(process.argv[2]), onNotice() {} });
let steps = 0;
for await (const _ of evolve(spins(4, 0.1), { h: 0.05, executor })) steps++;
process.stdout.write(steps > 1 ? "done" : "no step");

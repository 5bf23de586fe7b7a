// What each rank of the tests runs: `node rank-program.mjs <folder of the build> <case>`; rank 0 prints one line of JSON.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// A third argument is the rank that is lost.
const [folder, what, at] = process.argv.slice(2);
const rank = Number(process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK);
const load = (name) => import(pathToFileURL(join(folder, "src", name)).href);
const { balanced, evolve, inline, mpi, parallelBug } = await load("index.js");
const { stateHash } = await load("io/index.js");
const { longRangeIsing, spinChain, spinState } = await load("problems/index.js");

/** Solves inline, after a delay of its own. */
const delayed = () => {
  const plain = inline();
  return {
    ...plain,
    async solveAll(...all) {
      await new Promise((resolve) => setTimeout(resolve, 3 * Math.random()));
      return plain.solveAll(...all);
    },
  };
};

const failing = (after, trouble) => {
  const plain = inline();
  let sets = 0;
  return { ...plain, solveAll: (...all) => (sets++ < after ? plain.solveAll(...all) : trouble()) };
};

/** Inline, but the rank that is lost comes to its end, or hangs, in the middle. */
const lost = (trouble) => (rank === Number(at ?? 1) ? failing(50, trouble) : inline());
const never = () => new Promise(() => setInterval(() => {}, 1000));

async function hashes(executor) {
  const tree = balanced(4);
  const problem = spinChain("quench", longRangeIsing(tree), spinState(tree, "up", 1), 1);
  const found = [];
  const settings = { integrator: parallelBug(), h: 0.005, truncation: { tolerance: 1e-6, maxRank: 4 } };
  for await (const { y } of evolve(problem, { ...settings, executor })) found.push(stateHash(y));
  return found;
}

if (what === "inline") process.stdout.write(`${JSON.stringify(await hashes(inline()))}\n`);
else {
  const inner = {
    bits: () => delayed(),
    error: () => (rank === 1 ? failing(5, () => Promise.reject(new Error("too hot"))) : inline()),
    exits: () => lost(() => process.exit(7)),
    hangs: () => lost(never),
    stops: () => lost(() => process.kill(process.pid, "SIGSTOP")),
    killed: () => lost(() => process.kill(process.pid, "SIGKILL")),
  }[what]();
  const executor = mpi({ inner, deadline: at === undefined ? 60 : 1 });
  const { communicator } = executor;
  try {
    const found = await hashes(executor);
    if (rank === 0) process.stdout.write(`${JSON.stringify(found)}\n`);
    await communicator.leave();
  } catch (error) {
    process.stdout.write(`${error.name} on rank ${rank}: ${error.message}\n`);
    await communicator.leave(error, 1);
  }
}

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { scratchFolder } from "../cli/run.ts";
import { built, installed, program, ranks } from "./mpirun.ts";

const scratch = scratchFolder();
let folder = "";
/** SHA-256 of the state after each of 200 steps in one process. */
let expected: readonly string[] = [];
beforeAll(() => {
  folder = built();
  expected = JSON.parse(execFileSync(process.execPath, [program, folder, "inline"], { encoding: "utf8" }));
}, 120_000);

if (installed.length === 0)
  it.skip("needs an MPI, and none is installed (Debian: apt install openmpi-bin, or mpich)", () => {});

describe.each(installed)("$name", (mpi) => {
  it("computes the same bits as one process in each of 200 steps, on up to four ranks with random delays", async () => {
    expect(expected).toHaveLength(201);
    for (const count of mpi === installed[0] ? [1, 2, 4] : [2]) {
      const { code, stdout, stderr } = await ranks(mpi, count, [program, folder, "bits"]);
      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual(expected);
    }
  });

  it("shares a run of the command, and the points of a sweep; the first rank alone writes", async () => {
    const out = scratch(mpi.name);
    const command = `${folder}/src/cli/main.js`;
    const settings = ["--set", "d=4", "--set", "T=0.05"];
    const hashOf = async (path: string): Promise<string> =>
      JSON.parse(await readFile(`${path}/result.json`, "utf8")).stateHash;
    execFileSync(process.execPath, [command, "run", "ising", ...settings, "--out", `${out}-one`]);
    const run = await ranks(mpi, 2, [command, "run", "ising", ...settings, "--out", `${out}-two`]);
    expect(run.code).toBe(0);
    expect(run.stdout.match(/written to/g)).toHaveLength(1);
    expect(await hashOf(`${out}-two`)).toBe(await hashOf(`${out}-one`));
    const over = ["--over", "dt=0.01,0.025,0.05", ...settings, "--out", `${out}-sweep`];
    const swept = await ranks(mpi, 2, [command, "sweep", "ising", ...over]);
    expect(swept.code).toBe(0);
    expect(swept.stdout.match(/completed/g)).toHaveLength(3);
    expect(await hashOf(`${out}-sweep/dt=0.01`)).toBe(await hashOf(`${out}-one`));
    const other = await ranks(mpi, 2, [command, "run", "ising", ...settings, "--set", "executor=mpi:4"]);
    expect(other.stderr).toContain("4 ranks were asked for, MPI granted 2");
  });

  it("throws an error of one rank on all, and ends in order", async () => {
    const { stdout, code } = await ranks(mpi, 3, [program, folder, "error"]);
    const lines = stdout.trim().split("\n").sort();
    expect(lines).toEqual([
      "Error on rank 1: too hot",
      "RankError on rank 0: rank 1: too hot",
      "RankError on rank 2: rank 1: too hot",
    ]);
    expect(code).toBe(0); // all left in order
  });

  it("ends all ranks when one dies, as launchers do unless told otherwise", async () => {
    const { code } = await ranks(mpi, 2, [program, folder, "exits"]);
    if (mpi.name === "Open MPI")
      expect(code).toBe(7); // that of the one
    else expect(code).not.toBe(0); // MPICH's launcher may tell the signal by which it ended the other instead
  });

  /** Ways for the last of some ranks to be lost, and what the launcher has to be told to leave the others alone. */
  const losses: [string, number, string[]][] = [
    ["hangs", 2, []],
    ["stops", 3, []],
    // MPICH's launcher ends all ranks when one of them is ended by a signal, whatever it is told
    mpi.name === "Open MPI" ? ["killed", 3, ["--enable-recovery"]] : ["exits", 3, ["-disable-auto-cleanup"]],
  ];
  it.each(losses)("goes on alone on the first rank when another is lost (%s), with the same bits", async (...loss) => {
    const [how, count, flags] = loss;
    const survivable = { ...mpi, options: [...mpi.options, ...flags] };
    const { code, stdout, stderr } = await ranks(survivable, count, [program, folder, how, `${count - 1}`]);
    expect(JSON.parse(stdout.split("\n").find((line) => line.startsWith("["))!)).toEqual(expected);
    expect(stderr).toMatch(/mpi: .*rank.* lost, at the \w+ of node.*: no word for 1 s; rank 0 goes on alone/);
    expect(code).toBe(0);
  });

  it("does not wait for ever for the first rank", async () => {
    const { code, stdout } = await ranks(mpi, 2, [program, folder, "hangs", "0"]);
    expect(stdout).toContain("RanksLostError on rank 1: mpi: rank 0 is lost, at the ");
    expect(code).toBe(3);
  });

  it("says so when launcher and library are of different makes", async () => {
    const foreign = installed.find(({ name }) => name !== mpi.name);
    if (!foreign) return;
    const library = foreign.name === "MPICH" ? "libmpich.so.12" : "libmpi.so.40";
    const { code, stderr } = await ranks(mpi, 2, [program, folder, "bits"], { env: { DLRA_MPI: library } });
    expect(stderr).toMatch(/mpi: the launcher started 2 ranks \(\w+\), but .* sees 1: mpirun belongs to another MPI/);
    expect(code).not.toBe(0);
  });

  it("names a library that cannot be loaded", async () => {
    const { stderr } = await ranks(mpi, 1, [program, folder, "bits"], { env: { DLRA_MPI: "/nowhere/libmpi.so" } });
    expect(stderr).toContain("DLRA_MPI names /nowhere/libmpi.so, which cannot be loaded");
  });
});

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { scratchFolder } from "../cli/run.ts";
import { built, installed, program, ranks } from "./mpirun.ts";

const scratch = scratchFolder();
let folder = "";
beforeAll(() => {
  folder = built();
}, 120_000);

if (installed.length === 0)
  it.skip("needs an MPI, and none is installed (Debian: apt install openmpi-bin, or mpich)", () => {});

describe.each(installed)("$name", (mpi) => {
  it("computes the same bits as one process in each of 200 steps, on up to four ranks with random delays", async () => {
    const expected = JSON.parse(execFileSync(process.execPath, [program, folder, "inline"], { encoding: "utf8" }));
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

  it("ends all ranks when one dies", async () => {
    const { code } = await ranks(mpi, 2, [program, folder, "dies"]);
    expect(code).toBe(7);
  });

  it("does not wait for ever for a rank that hangs", async () => {
    const { code, stdout } = await ranks(mpi, 2, [program, folder, "hangs"]);
    expect(stdout).toContain("RanksLostError on rank 0: mpi: no word from rank 1 for 1 s");
    expect(code).not.toBe(0);
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

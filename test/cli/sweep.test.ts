import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readNpz, sweepPoints } from "../../src/io/index.ts";
import { dlra, scratchFolder, setting } from "./run.ts";

const scratch = scratchFolder();
const small = setting({ d: 4, T: 0.02, maxRank: 4 });
const over = (...axes: readonly string[]): string[] => axes.flatMap((axis) => ["--over", axis]);
const read = (...path: readonly string[]): Promise<string> => readFile(join(...path), "utf8");

describe("dlra sweep", () => {
  it("runs every point of a grid into a folder of its own, and makes one table", async () => {
    const out = scratch("grid");
    const axes = over("integrator=parallel,augmented", "dt=0.02,0.01");
    const { code, stdout, stderr } = await dlra(["sweep", "ising", ...small, ...axes, "--out", out]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [head, ...rows] = (await read(out, "sweep.csv")).trim().split("\n");
    expect(head).toMatch(/^integrator,dt,status,t,.*energy.*,max_rank,discarded,applications,seconds,message$/);
    expect(rows.map((row) => row.split(",").slice(0, 4).join())).toEqual([
      "parallel,0.02,completed,0.02",
      "parallel,0.01,completed,0.02",
      "augmented,0.02,completed,0.02",
      "augmented,0.01,completed,0.02",
    ]);
    const point = JSON.parse(await read(out, "integrator=augmented,dt=0.01", "result.json"));
    expect(point).toMatchObject({ status: "completed", parameters: { integrator: "augmented", dt: 0.01, d: 4 } });
    const columns = readNpz(await readFile(join(out, "sweep.npz")));
    expect([...columns["dt"]!.data]).toEqual([0.02, 0.01, 0.02, 0.01]);
    expect(columns["energy"]!.data[3]).toBe(point.observables.energy.at(-1));
    expect(stdout).toContain("augmented  0.01  completed");
  });

  it("goes on after a point that fails, and takes up what is left when it is called again", async () => {
    const out = scratch("failing");
    const call = ["sweep", "ising", ...setting({ T: 0.02, exact: true, ladder: 1 }), ...over("d=2,14,4"), "--out", out];
    const first = await dlra(call);
    expect(first.code).toBe(3);
    const rows = (await read(out, "sweep.csv")).trim().split("\n");
    expect(rows[1]).toMatch(/^2,completed,/);
    expect(rows[2]).toMatch(/^14,failed,.*exact is true with d = 14/);
    expect(rows[3]).toMatch(/^4,completed,/);
    const { mtimeMs } = await stat(join(out, "d=2", "result.json"));
    await rm(join(out, "d=4"), { recursive: true });
    const second = await dlra(call);
    expect(second.code).toBe(3);
    expect(second.stdout).toContain("(1 kept)");
    expect((await stat(join(out, "d=2", "result.json"))).mtimeMs).toBe(mtimeMs);
    expect((await stat(join(out, "d=4", "result.json"))).isFile()).toBe(true);
  });

  it("does not mistake results of other parameters for its own, and repeats points that were broken off", async () => {
    const out = scratch("others");
    const call = (T: number) => ["sweep", "ising", ...setting({ d: 2, T }), ...over("dt=0.01"), "--out", out];
    expect((await dlra(call(0.01))).code).toBe(0);
    const other = await dlra(call(0.02));
    expect(other).toMatchObject({ code: 4 });
    expect(other.stderr).toContain("holds a result for T = 0.01, not 0.02; use --force to overwrite");
    expect((await dlra([...call(0.02), "--force"])).code).toBe(0);
    const path = join(out, "dt=0.01", "result.json");
    const result = JSON.parse(await read(path));
    await writeFile(path, JSON.stringify({ ...result, status: "interrupted" }));
    expect((await dlra(call(0.02))).stdout).not.toContain("kept");
    expect(JSON.parse(await read(path)).status).toBe("completed");
  });

  it("says what stands in its way: results of another experiment, and what is no result", async () => {
    const out = scratch("foreign");
    const call = ["sweep", "ising", ...small, ...over("dt=0.01"), "--out", out];
    expect((await dlra(call)).code).toBe(0);
    const path = join(out, "dt=0.01", "result.json");
    const result = await read(path);
    await writeFile(path, result.replace('"ising"', '"training-tubal"'));
    const foreign = await dlra(call);
    expect(foreign.code).toBe(4);
    expect(foreign.stderr).toContain("holds a result of training-tubal, not ising; use --force to overwrite");
    for (const content of ["{\n", "[1]", "null", result.slice(0, 200)]) {
      await writeFile(path, content);
      const { code, stderr } = await dlra(call);
      expect(code).toBe(4);
      expect(stderr).toMatch(
        /^dlra: .*result\.json: cannot be read as a result \(.*\); remove it, or use --force to overwrite\n$/,
      );
    }
    expect((await dlra([...call, "--force"])).code).toBe(0);
    expect((await dlra(call)).stdout).toContain("(1 kept)");
  });

  it("stops when it is interrupted, with the table of what there is", async () => {
    const out = scratch("stopped");
    const { code } = await dlra(
      ["sweep", "ising", ...small, ...over("dt=0.01,0.02"), "--out", out],
      AbortSignal.abort(),
    );
    expect(code).toBe(130);
    expect(await read(out, "sweep.csv")).toMatch(/^dt,status,message\n0.01,not run,\n0.02,not run,\n$/);
  });

  it("refuses a grid that makes no sense before any work", async () => {
    const told = async (...args: readonly string[]): Promise<string> => {
      const { code, stderr } = await dlra(["sweep", "ising", ...args, "--out", scratch("none")]);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await told()).toContain("sweep: over what? Expected --over key=value,value,...");
    expect(await told(...over("dt=0.1,-1"))).toContain("dt is -1, expected a time step");
    expect(await told(...over("integratr=parallel"))).toContain('did you mean "integrator"?');
    expect(await told(...over("dt=0.1"), "--set", "dt=1")).toContain("dt was given both by --over and by --set");
    expect(await told(...over("executor=inline,mpi"))).toContain("inline and mpi cannot stand in one sweep");
    expect((await dlra(["run", "ising", ...over("dt=1")])).stderr).toContain(
      "option --over is for dlra sweep, not for run",
    );
    expect((await dlra(["sweep"])).stderr).toContain("sweep: which experiment?");
  });
});

describe("points of a grid", () => {
  it("read as --set does, the last key running fastest", () => {
    const points = sweepPoints(["tree=binary,[[0,1],[2,3]]", "dt=0.1,1e-2"]);
    expect(points.map((p) => p.values)).toEqual([
      { tree: "binary", dt: 0.1 },
      { tree: "binary", dt: 0.01 },
      { tree: [[0, 1], [2, 3]], dt: 0.1 },
      { tree: [[0, 1], [2, 3]], dt: 0.01 },
    ]); // biome-ignore format: a grid
    expect(points[0]!.name).toBe("tree=binary,dt=0.1");
    expect(points[2]!.name).toMatch(/^tree=__0,1_,_2,3__,dt=0.1-[0-9a-f]{8}$/);
    expect(new Set(points.map((p) => p.name)).size).toBe(4);
  });

  it("need a key and different values", () => {
    for (const [over, message] of [
      ["dt", "--over dt: expected key=value,value,..."],
      ["dt=", "--over dt=: expected key=value,value,..."],
      ["dt=0.1,,2", "--over dt=0.1,,2: a value is empty"],
      ["dt=0.1,1e-1", "--over dt: the value 0.1 was given twice"],
    ] as const)
      expect(() => sweepPoints([over])).toThrow(message);
    expect(() => sweepPoints(["dt=1", "dt=2"])).toThrow("--over dt: was given twice");
  });
});

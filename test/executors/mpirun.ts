import { execFileSync, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A build of the package, for programs that run outside of the tests. */
export function built(): string {
  const folder = `${root}dist/mpi-test`;
  const compiler = `${root}node_modules/typescript/bin/tsc`;
  const options = [
    "-p",
    "tsconfig.build.json",
    "--outDir",
    folder,
    "--noCheck",
    "--tsBuildInfoFile",
    `${folder}/.tsbuildinfo`,
  ];
  execFileSync(process.execPath, [compiler, ...options], { cwd: root });
  return folder;
}

/** An MPI of this machine: how its ranks are launched. */
export interface Mpi {
  readonly name: string;
  readonly launcher: string;
  readonly options: readonly string[];
}

const works = ({ launcher }: Mpi): boolean => spawnSync(launcher, ["--version"]).status === 0;
const nameOf = (launcher: string): string => `${spawnSync(launcher, ["--version"]).stdout}`;

/** The MPIs that are installed, Debian's two side by side included. */
export const installed: readonly Mpi[] = (
  [
    { name: "Open MPI", launcher: "mpirun.openmpi", options: ["--oversubscribe", "--allow-run-as-root"] },
    { name: "MPICH", launcher: "mpirun.mpich", options: [] },
    nameOf("mpirun").includes("Open MPI")
      ? { name: "Open MPI", launcher: "mpirun", options: ["--oversubscribe", "--allow-run-as-root"] }
      : { name: "MPICH", launcher: "mpirun", options: [] },
  ] satisfies Mpi[]
)
  .filter(works)
  .filter((mpi, k, all) => all.findIndex(({ name }) => name === mpi.name) === k);

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of Node on so many ranks.  */
export function ranks(
  { launcher, options }: Mpi,
  count: number,
  args: readonly string[],
  { env = {}, cwd = root }: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(launcher, [...options, "-n", `${count}`, process.execPath, ...args], {
      cwd,
      env: { ...process.env, ...env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

export const program = fileURLToPath(new URL("rank-program.mjs", import.meta.url));

/** A foreign function of the MPI library; pointers are typed arrays, addresses, or handles. */
type Foreign = (...args: readonly (number | bigint | string | null | ArrayBufferView)[]) => number;

interface Library {
  func(symbol: string, result: string, parameters: readonly string[]): Foreign;
  symbol(name: string): unknown;
}

interface Koffi {
  load(path: string, options: { readonly global: boolean }): Library;
  address(symbol: unknown): bigint;
}

/** What passes messages between the processes of a run: the collective operations that `Communicator` is made of. */
export interface Transport {
  readonly description: string;
  readonly rank: number;
  readonly size: number;
  /**
   * One record of equal length from every rank, in the order of ranks. Resolves when all have come; after `seconds` without, rejects
   * with the ranks whose records are missing (a `Missing`).
   */
  gatherRecords(record: Float64Array, seconds: number): Promise<Float64Array>;
  /** `body` of every rank, one after the other, where `lengths` is known to all. */
  gatherBodies(body: Float64Array, lengths: readonly number[]): Promise<Float64Array>;
  /** Ends the run in order: the last call of every rank. */
  finalize(): void;
  /** Ends all processes of the run at once. */
  abort(code: number): void;
}

/** Ranks that have not come to a collective operation in time; one of them at least hangs. */
export class Missing extends Error {
  readonly ranks: readonly number[];

  constructor(ranks: readonly number[]) {
    super(`ranks ${ranks.join(", ")} are missing`);
    this.ranks = ranks;
  }
}

/** What started this process as one of several ranks. */
export interface Launch {
  /** Which environment variable says so. */
  readonly by: string;
  readonly family: "Open MPI" | "MPICH" | "PMIx";
  /** Which of the ranks this is. */
  readonly rank: number;
  /** How many ranks it says that it started; null where it does not say. */
  readonly ranks: number | null;
}

/** How this process was started by `mpirun`, `mpiexec` or `srun`; null where it was not. */
export function launch(
  env: Readonly<Record<string, string | undefined>> = globalThis.process?.env ?? {},
): Launch | null {
  const countOf = (text: string | undefined): number | null => (text === undefined ? null : Number(text));
  const known = [
    ["OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI"],
    ["PMI_SIZE", "PMI_RANK", "MPICH"],
  ] as const;
  for (const [by, rank, family] of known)
    if (env[by] !== undefined) return { by, family, rank: Number(env[rank]), ranks: countOf(env[by]) };
  const rank = env["PMIX_RANK"];
  if (rank !== undefined)
    return { by: "PMIX_RANK", family: "PMIx", rank: Number(rank), ranks: countOf(env["SLURM_STEP_NUM_TASKS"]) };
  return null;
}

const openMpi = ["libmpi.so.40", "libmpi.so", "/opt/homebrew/lib/libmpi.dylib", "/usr/local/lib/libmpi.dylib"];
const mpich = ["libmpich.so.12", "libmpi.so.12", "libmpich.so", "libmpi.so", "/opt/homebrew/lib/libmpich.dylib"];
const names: Readonly<Record<Launch["family"], readonly string[]>> = {
  "Open MPI": openMpi,
  MPICH: mpich,
  PMIx: [...openMpi, ...mpich],
};

/**
 * Loads the MPI library that fits how the process was launched, or the one that `DLRA_MPI` names, and starts it: `MPI_Init_thread`.
 * Throws an Error that tells what is missing: `koffi`, the library, a launcher, or ranks that do not see each other since launcher and
 * library are of different makes.
 */
export function loadMpi(): Transport {
  const started = launch();
  if (!started)
    throw new Error(
      "mpi: this process is not one of several ranks; start it by mpirun -n 4 npx dlra run ..., or by srun in a Slurm job",
    );
  const koffi = loadKoffi();
  leaveMemoryAlone();
  const asked = globalThis.process.env["DLRA_MPI"];
  const paths = asked ? [asked] : names[started.family];
  for (const path of paths) {
    let library: Library;
    try {
      library = koffi.load(path, { global: true }); // Open MPI's own plugins look for its symbols
    } catch {
      continue;
    }
    return start(koffi, library, path, started);
  }
  const where = asked ? `DLRA_MPI names ${asked}, which cannot` : `none of ${paths.join(", ")} can`;
  throw new Error(
    `mpi: the process was launched by ${started.family} (${started.by} is set), but ${where} be loaded; ` +
      "install the library (Debian: apt install openmpi-bin, or mpich), or name its file by DLRA_MPI",
  );
}

function loadKoffi(): Koffi {
  const require = globalThis.process?.getBuiltinModule?.("module")?.createRequire(import.meta.url);
  try {
    return require!("koffi") as Koffi;
  } catch {
    throw new Error("mpi: the package koffi, by which libraries are called, is missing; npm install koffi");
  }
}

/**
 * UCX, which MPICH sends by, watches memory calls and takes signals of bad addresses, both of which the engine needs for itself: processes
 * were seen to end by a segmentation fault. Neither is needed here. Has to be said before the library is loaded.
 */
function leaveMemoryAlone(): void {
  globalThis.process.env["UCX_MEM_EVENTS"] ??= "n";
  globalThis.process.env["UCX_ERROR_SIGNALS"] ??= "";
}

/** Handles are addresses of symbols in Open MPI, and numbers in MPICH and what follows its binary interface. */
function handlesOf(koffi: Koffi, library: Library) {
  let world: unknown;
  try {
    world = library.symbol("ompi_mpi_comm_world");
  } catch {
    return { type: "int", world: 0x44000000, double: 0x4c00080b, ignored: 1 };
  }
  return {
    type: "void *",
    world: koffi.address(world),
    double: koffi.address(library.symbol("ompi_mpi_double")),
    ignored: 0,
  };
}

function start(koffi: Koffi, library: Library, path: string, started: Launch): Transport {
  const { type, world, double, ignored } = handlesOf(koffi, library);
  const pointer = "void *";
  const check = (name: string, parameters: readonly string[]): Foreign => {
    const call = library.func(name, "int", parameters);
    return (...args) => {
      const code = call(...args);
      if (code !== 0) throw new Error(`mpi: ${name} failed with code ${code}`);
      return code;
    };
  };
  const text = Buffer.alloc(8192); // MPI_MAX_LIBRARY_VERSION_STRING
  check("MPI_Get_library_version", [pointer, pointer])(text, fixed(Int32Array, 1));
  const version = text.toString("utf8").split("\0")[0]!.split(/[,\n]/)[0]!.replace(/\s+/g, " ").trim();
  check("MPI_Init_thread", [pointer, pointer, "int", pointer])(null, null, 1, fixed(Int32Array, 1)); // MPI_THREAD_FUNNELED
  const asked = fixed(Int32Array, 1);
  const ask = (name: string): number => {
    check(name, [type, pointer])(world, asked);
    return asked[0]!;
  };
  const size = ask("MPI_Comm_size");
  const rank = ask("MPI_Comm_rank");
  const finalize = check("MPI_Finalize", []);
  const description = `${version} from ${path}`;
  if (started.ranks !== null && started.ranks !== size) {
    finalize();
    throw new Error(
      `mpi: the launcher started ${started.ranks} ranks (${started.by}), but ${description} sees ${size}: ` +
        "mpirun belongs to another MPI; use the mpirun of that library, or name the launcher's library by DLRA_MPI",
    );
  }

  const iallgather = check("MPI_Iallgather", [pointer, "int", type, pointer, "int", type, type, pointer]);
  const allgatherv = check("MPI_Allgatherv", [pointer, "int", type, pointer, pointer, pointer, type, type]);
  const test = check("MPI_Test", [pointer, pointer, pointer]);
  /** What MPI reads and writes between calls; held here, so that it is not collected meanwhile. */
  let pending = {
    own: fixed(Float64Array, 0),
    all: fixed(Float64Array, 0),
    request: fixed(BigInt64Array, 1),
    done: fixed(Int32Array, 1),
  };
  return {
    description,
    rank,
    size,
    async gatherRecords(record, seconds) {
      const n = record.length;
      if (pending.own.length !== n)
        pending = { ...pending, own: fixed(Float64Array, n), all: fixed(Float64Array, n * size) };
      const { own, all, request, done } = pending;
      own.set(record);
      all.fill(Number.NaN);
      iallgather(own, n, double, all, n, double, world, request);
      const begin = performance.now();
      for (;;) {
        test(request, done, ignored);
        if (done[0] !== 0) return all.slice();
        const waited = (performance.now() - begin) / 1000;
        if (waited > seconds) throw new Missing(missing(all, n, rank));
        await pause(waited > 2e-3);
      }
    },
    async gatherBodies(body, lengths) {
      const total = lengths.reduce((a, b) => a + b, 0);
      if (total >= 2 ** 31)
        throw new RangeError(`mpi: the solutions of one round are ${total} numbers, MPI gathers fewer than 2^31`);
      const all = fixed(Float64Array, total);
      const counts = fixed(Int32Array, size);
      counts.set(lengths);
      const starts = fixed(Int32Array, size);
      for (let k = 1; k < size; k++) starts[k] = starts[k - 1]! + lengths[k - 1]!;
      allgatherv(body, body.length, double, all, counts, starts, double, world);
      return all;
    },
    finalize,
    abort: check("MPI_Abort", [type, "int"]).bind(null, world),
  };
}

/** An array that V8 never moves: small ones would otherwise live on its heap. */
function fixed<T>(of: { new (buffer: ArrayBuffer): T; BYTES_PER_ELEMENT: number }, length: number): T {
  return new of(new ArrayBuffer(length * of.BYTES_PER_ELEMENT));
}

/** The ranks whose records have not come: those still filled with NaN. */
const missing = (all: Float64Array, length: number, self: number): number[] =>
  Array.from({ length: all.length / length }, (_, k) => k).filter((k) => k !== self && Number.isNaN(all[k * length]));

/** Lets other events of this process happen; once waiting takes long, sleeps, so that other ranks have the core. */
const pause = (long: boolean): Promise<void> =>
  new Promise((resolve) => void (long ? setTimeout(resolve, 1) : setImmediate(resolve)));

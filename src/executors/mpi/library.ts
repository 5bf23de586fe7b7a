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
   * The parts of all ranks, one after the other, where `lengths` are known to all and no part begins with NaN. Resolves when all have
   * come; after `seconds` without, or when MPI reports an error, rejects with a `Missing`, and is not to be called again.
   */
  gather(part: Float64Array, lengths: readonly number[], seconds: number): Promise<Float64Array>;
  /** Sends all other ranks word that this one goes on without them, and does not wait. */
  tell(): void;
  /** Whether rank 0 sent such word. */
  heard(): boolean;
  /** Ends the run in order: the last call of every rank. */
  finalize(): void;
  /** Ends all processes of the run at once. */
  abort(code: number): void;
}

/** Ranks whose parts have not come to a collective operation, and why they are not waited for; one of them at least hangs or is dead. */
export class Missing extends Error {
  readonly ranks: readonly number[];

  constructor(ranks: readonly number[], why: string) {
    super(why);
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
    return { type: "int", world: 0x44000000, double: 0x4c00080b, errorsReturn: 0x54000001, ignored: 1 };
  }
  return {
    type: "void *",
    world: koffi.address(world),
    double: koffi.address(library.symbol("ompi_mpi_double")),
    errorsReturn: koffi.address(library.symbol("ompi_mpi_errors_return")),
    ignored: 0,
  };
}

function start(koffi: Koffi, library: Library, path: string, started: Launch): Transport {
  const { type, world, double, errorsReturn, ignored } = handlesOf(koffi, library);
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

  check("MPI_Comm_set_errhandler", [type, type])(world, errorsReturn); // else an error ends this process as well
  const iallgatherv = check("MPI_Iallgatherv", [pointer, "int", type, pointer, pointer, pointer, type, type, pointer]);
  const isend = check("MPI_Isend", [pointer, "int", type, "int", "int", type, pointer]);
  const iprobe = check("MPI_Iprobe", ["int", "int", type, pointer, pointer]);
  const test = check("MPI_Test", [pointer, pointer, pointer]);
  /** What MPI reads and writes between calls; held here, so that it is not collected meanwhile, nor after ranks were lost. */
  let held: readonly unknown[] = [];
  const flag = fixed(Int32Array, 1);
  return {
    description,
    rank,
    size,
    async gather(part, lengths, seconds) {
      const total = lengths.reduce((a, b) => a + b, 0);
      if (total >= 2 ** 31)
        throw new RangeError(`mpi: the solutions of one round are ${total} numbers, MPI gathers fewer than 2^31`);
      const all = fixed(Float64Array, total);
      const [counts, starts] = [fixed(Int32Array, size), fixed(Int32Array, size)];
      counts.set(lengths);
      for (let k = 1; k < size; k++) starts[k] = starts[k - 1]! + lengths[k - 1]!;
      const others = [...lengths.keys()].filter((k) => k !== rank);
      for (const k of others) if (lengths[k]! > 0) all[starts[k]!] = Number.NaN;
      const request = fixed(BigInt64Array, 1);
      held = [part.buffer, all, counts, starts, request]; // asking for the buffer takes a small array from the heap, too
      const missing = (): number[] => {
        const found = others.filter((k) => lengths[k]! > 0 && Number.isNaN(all[starts[k]!]));
        return found.length > 0 ? found : others;
      };
      const patient = 2e-3 + 1e-8 * total; // seconds for a message on its way
      try {
        iallgatherv(part, part.length, double, all, counts, starts, double, world, request);
        let last = performance.now();
        for (let waited = 0; ; ) {
          test(request, flag, ignored);
          if (flag[0] !== 0) return all;
          if (waited > seconds) throw new Missing(missing(), `no word for ${seconds} s`);
          await pause(waited > patient);
          const now = performance.now();
          waited += Math.min(1, (now - last) / 1000); // time that the whole job was halted does not count
          last = now;
        }
      } catch (error) {
        throw error instanceof Missing ? error : new Missing(missing(), (error as Error).message);
      }
    },
    tell() {
      const requests = fixed(BigInt64Array, size);
      held = [...held, requests];
      for (let to = 0; to < size; to++)
        if (to !== rank)
          try {
            isend(null, 0, double, to, word, world, requests.subarray(to, to + 1));
          } catch {} // it is lost, or will end for want of word
    },
    heard() {
      try {
        iprobe(0, word, world, flag, ignored);
        return flag[0] !== 0;
      } catch {
        return false;
      }
    },
    finalize,
    abort: check("MPI_Abort", [type, "int"]).bind(null, world),
  };
}

/** An array that V8 never moves: small ones would otherwise live on its heap. */
function fixed<T>(of: { new (buffer: ArrayBuffer): T; BYTES_PER_ELEMENT: number }, length: number): T {
  return new of(new ArrayBuffer(length * of.BYTES_PER_ELEMENT));
}

/** The tag of the only messages that go from rank to rank. */
const word = 1;

/** Lets other events of this process happen; once waiting takes long, sleeps, so that other ranks have the core. */
const pause = (long: boolean): Promise<void> =>
  new Promise((resolve) => void (long ? setTimeout(resolve, 1) : setImmediate(resolve)));

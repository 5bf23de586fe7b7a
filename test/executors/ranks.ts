import { Communicator } from "../../src/executors/mpi/communicator.ts";
import { Missing, type Transport } from "../../src/executors/mpi/library.ts";

/** Ranks that live in this thread, as promises: MPI's collective operations in memory. */
export function ranksInMemory(size: number): Communicator[] {
  const rounds: {
    parts: (Float64Array | undefined)[];
    resolve: (all: Float64Array) => void;
    all: Promise<Float64Array>;
  }[] = [];
  const roundAt = (k: number) => {
    if (!rounds[k]) {
      let resolve!: (all: Float64Array) => void;
      const all = new Promise<Float64Array>((done) => {
        resolve = done;
      });
      rounds[k] = { parts: Array(size).fill(undefined), resolve, all };
    }
    return rounds[k];
  };
  let told = false;
  const transport = (rank: number): Transport => {
    let next = 0;
    const gather = (part: Float64Array) => {
      const round = roundAt(next++);
      round.parts[rank] = part.slice();
      if (round.parts.every((p) => p)) round.resolve(joined(round.parts as Float64Array[]));
      return round;
    };
    return {
      description: "in memory",
      rank,
      size,
      async gather(part, lengths, seconds) {
        if (part.length !== lengths[rank]) throw new Error(`rank ${rank} brings ${part.length}, said ${lengths[rank]}`);
        const { parts, all } = gather(part);
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(
            () =>
              reject(
                new Missing(
                  parts.flatMap((p, k) => (p ? [] : [k])),
                  `no word for ${seconds} s`,
                ),
              ),
            Math.min(1e9, 1000 * seconds),
          );
        });
        return Promise.race([all, late]).finally(() => clearTimeout(timer));
      },
      tell() {
        told = true;
      },
      heard: () => told,
      finalize() {},
      abort(code) {
        throw new Error(`aborted with ${code}`);
      },
    };
  };
  return Array.from({ length: size }, (_, rank) => new Communicator(transport(rank)));
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

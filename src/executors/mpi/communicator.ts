import { Missing, type Transport } from "./library.ts";
import { pack, unpack } from "./pack.ts";

/** What a collective operation is for. All ranks have to be at the same one. */
export type Topic = "leave" | "solve" | "agree";
const topics: readonly Topic[] = ["leave", "solve", "agree"];

/** An error of another rank, told to all: `rank` is the first that had one. */
export class RankError extends Error {
  override readonly name = "RankError";
  readonly rank: number;

  constructor(rank: number, message: string) {
    super(`rank ${rank}: ${message}`);
    this.rank = rank;
  }
}

/** Ranks that did not come in time. The run cannot go on: MPI has no way to do without them. */
export class RanksLostError extends Error {
  override readonly name = "RanksLostError";
  readonly ranks: readonly number[];

  constructor(ranks: readonly number[], seconds: number) {
    super(
      `mpi: no word from ${ranks.length === 1 ? "rank" : "one or more of the ranks"} ${ranks.join(", ")} for ${seconds} s`,
    );
    this.ranks = ranks;
  }
}

/** What a rank brings to a collective operation. */
export interface Contribution {
  readonly body?: Float64Array;
  /** Goes to all ranks, and ends the operation there as well. */
  readonly error?: unknown;
  /** Whether this rank was asked to stop. */
  readonly aborted?: boolean;
  /** A number that has to be the same on all ranks, for they all compute the same. */
  readonly check?: number;
}

/** What all ranks brought: their bodies in the order of ranks, and whether any of them was asked to stop. */
export interface Gathered {
  readonly bodies: readonly Float64Array[];
  readonly aborted: boolean;
}

// The record that opens every operation; the first entry is never NaN, which marks a record that has not come.
const [topicAt, countAt, lengthAt, errorAt, abortedAt, checkAt, recordLength] = [0, 1, 2, 3, 4, 5, 6];

/**
 * The ranks of a run, which all go through the same program. Every operation is collective and opens with a short record from each
 * rank: what the operation is, whether the rank failed or was asked to stop, a fingerprint of what it computed. So an error on
 * one rank is thrown on all, none waits for one that has left, and ranks that went different ways are told apart.
 */
export class Communicator {
  readonly rank: number;
  readonly size: number;
  readonly description: string;
  /** How long to wait for other ranks, in seconds. */
  patience = 600;
  readonly #transport: Transport;
  readonly #stop = new AbortController();
  #count = 0;
  #state: "open" | "left" | "broken" | "lost" = "open";
  #asked: AbortSignal | null = null;

  constructor(transport: Transport) {
    this.rank = transport.rank;
    this.size = transport.size;
    this.description = transport.description;
    this.#transport = transport;
  }

  /**
   * The body of every rank. Where a rank contributes an error, it is thrown there as it is, and on the others as a RankError.
   * Throws a RanksLostError when ranks do not come in time, an Error when they came to another operation, or with another check.
   */
  async exchange(topic: Topic, { body = empty, error, aborted, check = 0 }: Contribution): Promise<Gathered> {
    if (this.#state !== "open") throw new Error(`mpi: rank ${this.rank} has left the run, or was left`);
    const own = error === undefined ? body : pack(messageOf(error));
    const record = new Float64Array(recordLength);
    record[topicAt] = topics.indexOf(topic);
    record[countAt] = this.#count++;
    record[lengthAt] = own.length;
    record[errorAt] = error === undefined ? 0 : 1;
    record[abortedAt] = aborted || this.#asked?.aborted ? 1 : 0;
    record[checkAt] = check;
    const records = await this.#records(record);
    const entries = (at: number): number[] =>
      Array.from({ length: this.size }, (_, k) => records[k * recordLength + at]!);
    const lengths = entries(lengthAt);
    const all = lengths.some((n) => n > 0) ? await this.#transport.gatherBodies(own, lengths) : empty;
    let from = 0;
    const bodies = lengths.map((n) => {
      from += n;
      return all.subarray(from - n, from);
    });

    const there = entries(topicAt);
    if (there.includes(0)) this.#state = "broken"; // who leaves does not come again
    if (error !== undefined) throw error;
    const failed = entries(errorAt).indexOf(1);
    if (failed >= 0) throw new RankError(failed, unpack(bodies[failed]!) as string);
    for (const [at, what] of [
      [topicAt, (v: number) => `came to "${topics[v]}"`],
      [countAt, (v: number) => `is at its operation ${v}`],
      [checkAt, (v: number) => `computed ${v}`],
    ] as const) {
      const values = entries(at);
      const other = values.findIndex((v) => !Object.is(v, values[0]));
      if (other >= 0) {
        this.#state = "broken";
        throw new Error(
          `mpi: the ranks went different ways: rank ${other} ${what(values[other]!)}, rank 0 ${what(values[0]!)}; ` +
            "all have to run the same program, with the same settings, backend and kind of processor",
        );
      }
    }
    const stops = entries(abortedAt).includes(1);
    if (stops) this.#stop.abort(this.#asked?.reason ?? new Error("interrupted"));
    return { bodies, aborted: stops };
  }

  async #records(record: Float64Array): Promise<Float64Array> {
    try {
      return await this.#transport.gatherRecords(record, this.patience);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      this.#state = "lost";
      throw new RanksLostError(error.ranks, this.patience);
    }
  }

  /**
   * A signal that is aborted on all ranks at the same point of the program, the end of an operation, once the signal given here is
   * on any of them.
   */
  signal(asked: AbortSignal): AbortSignal {
    this.#asked = asked;
    return this.#stop.signal;
  }

  /**
   * Does something on rank 0 alone, and goes on when it is done. An error there is thrown everywhere. In a run that has lost ranks, or was left
   * by them, rank 0 still does it, and nobody waits.
   */
  async first(task: () => void | Promise<void>): Promise<void> {
    let error: unknown;
    if (this.rank === 0)
      try {
        await task();
      } catch (thrown) {
        error = thrown ?? new Error("failed");
      }
    if (this.#state === "open") await this.exchange("agree", error === undefined ? {} : { error });
    else if (error !== undefined) throw error;
  }

  /** A text of every rank, in the order of ranks. */
  async texts(own: string): Promise<string[]> {
    const { bodies } = await this.exchange("agree", { body: pack(own) });
    return bodies.map((body) => unpack(body) as string);
  }

  /** Throws on all ranks, naming two that differ, unless this text is the same on all. */
  async agree(what: string, own: string): Promise<void> {
    const texts = await this.texts(own);
    const other = texts.findIndex((t) => t !== texts[0]);
    if (other >= 0)
      throw new Error(
        `mpi: ${what} differs between the ranks: ${texts[0]} on rank 0, ${texts[other]} on rank ${other}`,
      );
  }

  /**
   * The last call of a rank, with the error that ends it if there is one: others that still go on then get it too. A run that has
   * lost ranks is ended by force, by rank 0 at once, by the others after `grace` seconds in which rank 0 can write what it has.
   */
  async leave(error?: unknown, grace = 30): Promise<void> {
    if (this.#state === "left") return;
    if (this.#state === "open") await this.exchange("leave", error === undefined ? {} : { error }).catch(() => {});
    if (this.#state === "lost") {
      if (this.rank > 0) await new Promise((resolve) => setTimeout(resolve, 1000 * grace));
      this.#transport.abort(3);
    }
    this.#state = "left";
    this.#transport.finalize();
  }
}

const empty = new Float64Array(0);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

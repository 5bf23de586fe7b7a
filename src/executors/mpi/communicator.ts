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

/** Ranks that died, or did not come in time; where more than one is named, at least one of them. */
export class RanksLostError extends Error {
  override readonly name = "RanksLostError";
  readonly ranks: readonly number[];

  /** `why` no longer to wait for them, and what they were about to do. */
  constructor(ranks: readonly number[], why: string, work = "") {
    const who = ranks.length === 1 ? `rank ${ranks[0]} is` : `one or more of the ranks ${ranks.join(", ")} are`;
    super(`mpi: ${who} lost${work && `, at ${work}`}: ${why}`);
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
  /** What some ranks were to do before they come, in words, to name it should they be lost. */
  readonly work?: (ranks: readonly number[]) => string;
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
 *
 * Where ranks are lost, the first goes on alone: from then on `size` is 1, and its operations involve nobody else. On the others, which hold
 * the same state but cannot agree who of them is left, the operation throws a RanksLostError.
 */
export class Communicator {
  readonly rank: number;
  readonly description: string;
  /** How long to wait for other ranks, in seconds. */
  deadline = 120;
  /** Told when ranks are lost and this one goes on alone. */
  onNotice: (notice: string) => void = (notice) => console.warn(notice);
  readonly #transport: Transport;
  readonly #stop = new AbortController();
  #count = 0;
  #state: "open" | "left" | "broken" | "lost" = "open";
  #alone = false;
  #asked: AbortSignal | null = null;

  constructor(transport: Transport) {
    this.rank = transport.rank;
    this.description = transport.description;
    this.#transport = transport;
  }

  /** How many ranks share the run. */
  get size(): number {
    return this.#alone ? 1 : this.#transport.size;
  }

  /** Whether no rank was lost. */
  get isWhole(): boolean {
    return !this.#alone && this.#state !== "lost";
  }

  /**
   * The body of every rank, or, where ranks are lost and this one goes on alone, its own. Where a rank contributes an error, it is
   * thrown there as it is, and on the others as a RankError.
   * Throws a RanksLostError when ranks do not come in time, unless this is rank 0; an Error when they came to another operation, or with another
   * check.
   */
  async exchange(topic: Topic, { body = empty, error, aborted, check = 0, work }: Contribution): Promise<Gathered> {
    if (this.#state !== "open") throw new Error(`mpi: rank ${this.rank} has left the run, or was left`);
    const own = error === undefined ? body : pack(messageOf(error));
    const record = new Float64Array(recordLength);
    record[topicAt] = topics.indexOf(topic);
    record[countAt] = this.#count++;
    record[lengthAt] = own.length;
    record[errorAt] = error === undefined ? 0 : 1;
    record[abortedAt] = aborted || this.#asked?.aborted ? 1 : 0;
    record[checkAt] = check;
    const { records, bodies } = await this.#gathered(record, own, work);
    const entries = (at: number): number[] => entriesOf(records, at);
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

  /** The records and the bodies of all ranks. */
  async #gathered(
    record: Float64Array,
    body: Float64Array,
    work?: Contribution["work"],
  ): Promise<{ readonly records: Float64Array; readonly bodies: readonly Float64Array[] }> {
    if (this.#alone) return { records: record, bodies: [body] };
    try {
      const gather = (part: Float64Array, lengths: readonly number[]): Promise<Float64Array> =>
        this.#transport.gather(part, lengths, this.deadline);
      const records = await gather(record, Array<number>(this.size).fill(recordLength));
      const lengths = entriesOf(records, lengthAt);
      const all = lengths.some((n) => n > 0) ? await gather(body, lengths) : empty;
      let from = 0;
      const bodies = lengths.map((n) => {
        from += n;
        return all.subarray(from - n, from);
      });
      return { records, bodies };
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      const lost = new RanksLostError(error.ranks, error.message, work?.(error.ranks));
      if (this.rank > 0) {
        this.#state = "lost";
        throw lost;
      }
      this.#alone = true;
      this.#transport.tell();
      this.onNotice(`${lost.message}; rank 0 goes on alone`);
      return { records: record, bodies: [body] };
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
   * Does something on rank 0 alone, and goes on when it is done. An error there is thrown everywhere. In a run that was left by ranks, rank 0
   * still does it, and nobody waits.
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
   * The last call of a rank, with the error that ends it if there is one: others that still go on then get it too. In a run that has lost ranks,
   * rank 0 ends the others when its process ends, and those wait for that, since a launcher takes the end of one for the end of all; where no
   * word comes from rank 0 within `grace` seconds, by default twice the deadline, they end the run.
   */
  async leave(error?: unknown, grace = 2 * this.deadline): Promise<void> {
    if (this.#state === "left") return;
    if (this.#state === "open") await this.exchange("leave", error === undefined ? {} : { error }).catch(() => {});
    if (this.isWhole) this.#transport.finalize();
    else if (!this.#alone) {
      const begin = performance.now();
      while (!this.#transport.heard() && performance.now() - begin < 1000 * grace) await seconds(0.05);
      while (this.#transport.heard()) await seconds(1);
      this.#transport.abort(3);
    }
    this.#state = "left";
  }
}

const seconds = (n: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000 * n));

/** One entry of the record of every rank. */
const entriesOf = (records: Float64Array, at: number): number[] =>
  Array.from({ length: records.length / recordLength }, (_, k) => records[k * recordLength + at]!);

const empty = new Float64Array(0);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

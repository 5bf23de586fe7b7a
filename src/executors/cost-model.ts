import type { Kernel, Machine, Planning } from "./machine.ts";
import { worthHandingOver } from "./schedule.ts";
import type { Piece, StepWork } from "./step-work.ts";

/** Workers or ranks, and what connects them. */
export interface Places {
  /** Workers or ranks. */
  readonly count: number;
  /** Which kernels are divided among them; the others are done everywhere alike. Default: all. */
  readonly divided?: readonly Kernel[];
  /** Pieces of fewer operations, and small sets, stay in the calling thread, as `smallest` of `workers` says, and are done there meanwhile. Default 0. */
  readonly smallest?: number;
  /** Whether a single place is not the calling thread, but a worker. Default: no. */
  readonly isApart?: boolean;
  /** What it takes to hand pieces over and to get their results. Default: nothing. */
  readonly passing?: Partial<Passing>;
}

/** What it takes that pieces of a step are computed elsewhere. */
export interface Passing {
  /** Seconds for each set that is divided, and bytes of results a second. */
  readonly latency: number;
  readonly bandwidth: number;
  /** Seconds of the calling thread for each piece, and more for each term and component in it: one piece is sent after the other. */
  readonly sending: Message;
  /** Seconds that the place itself takes to read a piece and to answer. */
  readonly receiving: Message;
  /** How many times as long computing takes on places that compute at the same time: they share memory, caches, a cooler. */
  readonly slowdown: number;
}

/** Seconds for a message about a piece. */
export interface Message {
  readonly seconds: number;
  readonly secondsPerTerm: number;
}

/** A predicted step: its seconds, and what they are made of. */
export interface Prediction {
  readonly seconds: number;
  /** Of computing, along the longest path. */
  readonly computing: number;
  /** Of handing over, which computing waits for. */
  readonly passing: number;
  /** Of computing on one place. */
  readonly serial: number;
}

const free: Passing = {
  latency: 0,
  bandwidth: Number.POSITIVE_INFINITY,
  sending: { seconds: 0, secondsPerTerm: 0 },
  receiving: { seconds: 0, secondsPerTerm: 0 },
  slowdown: 1,
};

/**
 * The time of a step on some workers or ranks, set by set: the calling thread finds the terms of all pieces and sends them, the longest
 * first, each to the place with the least to do, and does the small ones meanwhile; a set ends with the last of its pieces. Throws a RangeError for
 * a count that is no positive integer.
 */
export function predictStep(work: StepWork, machine: Machine, places: Places): Prediction {
  const { count, divided, smallest = 0, isApart = false } = places;
  if (!(Number.isInteger(count) && count > 0))
    throw new RangeError(`predictStep: count is ${count}, expected a positive integer`);
  const passing = { ...free, ...places.passing };
  let [computing, all, serial] = [0, 0, 0];
  for (const set of work) {
    const asked = set.reduce((sum, piece) => sum + planned(piece, machine.asking), 0);
    const alone = asked + set.reduce((sum, piece) => sum + secondsOf(piece, machine), 0);
    serial += alone;
    const isDivided = (count > 1 || isApart) && (!divided || set.some(({ kernel }) => divided.includes(kernel)));
    const worth = worthHandingOver(
      set.map(({ estimate }) => estimate),
      smallest,
    );
    const away = isDivided ? worth.map((k) => set[k]!) : [];
    if (away.length === 0) {
      computing += alone;
      all += alone;
      continue;
    }
    const here = set
      .filter((piece) => !away.includes(piece))
      .reduce((sum, piece) => sum + secondsOf(piece, machine), 0);
    const timed = away
      .map((piece) => ({ piece, seconds: secondsOf(piece, machine) }))
      .sort((a, b) => b.seconds - a.seconds);
    computing += asked + makespan(timed, here, count, free);
    all += asked + makespan(timed, here, count, passing);
  }
  return { seconds: all, computing, passing: all - computing, serial };
}

/** Seconds until all pieces are done elsewhere, and others, that take `here` seconds, by the calling thread meanwhile. */
function makespan(
  pieces: readonly { readonly piece: Piece; readonly seconds: number }[],
  here: number,
  count: number,
  { latency, bandwidth, sending, receiving, slowdown }: Passing,
): number {
  const lanes = Array.from({ length: Math.min(count, pieces.length) }, () => ({ before: 0, ready: 0 }));
  const slower = lanes.length > 1 ? slowdown : 1;
  const message = ({ terms, components }: Piece, { seconds, secondsPerTerm }: Message): number =>
    seconds + (terms + components) * secondsPerTerm;
  let sent = 0;
  let busy = here;
  for (const { piece, seconds } of pieces) {
    const lane = lanes.reduce((a, b) => (b.ready < a.ready ? b : a));
    const mine = message(piece, sending);
    busy += mine;
    sent = Math.max(sent, lane.before) + mine; // while a place is at a piece, one more waits there
    lane.before = lane.ready;
    lane.ready = Math.max(lane.ready, sent) + message(piece, receiving) + slower * seconds;
  }
  const bytes = pieces.reduce((sum, { piece }) => sum + piece.bytes, 0);
  return Math.max(busy, ...lanes.map(({ ready }) => ready)) + latency + bytes / bandwidth;
}

const planned = ({ terms, components }: Piece, { secondsPerTerm, secondsPerComponent }: Planning): number =>
  terms * secondsPerTerm + components * secondsPerComponent;

/** Seconds of a piece, where nothing else goes on. */
const secondsOf = (piece: Piece, machine: Machine): number =>
  piece.flops * machine.secondsPerFlop(piece.kernel, piece.extent) +
  piece.evaluations * machine.secondsPerEvaluation(piece.size) +
  planned(piece, machine.planning);

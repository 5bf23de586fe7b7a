/** A damped wave as its energy shows it: E(t) of amplitude exp(rate t) and angular frequency `frequency`. */
export interface Wave {
  readonly rate: number;
  readonly frequency: number;
  /** Times and values of the maxima that were fitted, between samples by parabolas through the logarithms. */
  readonly peaks: readonly (readonly [t: number, energy: number])[];
}

/** Relative height of maxima that are round-off. */
const ripple = 1e-12;

type Window = readonly [from: number, to: number];

/**
 * Damping rate and frequency of a standing wave from its energy, proportional to exp(2 rate t) cos^2(frequency t + phase), at ascending
 * times: by the line through the logarithms of the maxima, and the mean time between them, half a period, in a window of time.
 * Ripples of round-off, a maximum less than 1e-12 above both neighbours, do not count. Throws a RangeError when there are fewer than three
 * maxima in the window, or not as many energies as times.
 */
export function waveOf(times: ArrayLike<number>, energy: ArrayLike<number>, [from, to]: Window): Wave {
  checkSamples("waveOf", times, energy);
  const peaks: [number, number][] = [];
  for (let k = 1; k + 1 < times.length; k++) {
    if (!(energy[k]! > energy[k - 1]! && energy[k]! >= energy[k + 1]!)) continue;
    if (energy[k]! - Math.min(energy[k - 1]!, energy[k + 1]!) < ripple * energy[k]!) continue;
    const [t, value] = vertex(
      [times[k - 1]!, times[k]!, times[k + 1]!],
      [Math.log(energy[k - 1]!), Math.log(energy[k]!), Math.log(energy[k + 1]!)],
    );
    if (t >= from && t <= to) peaks.push([t, Math.exp(value)]);
  }
  if (peaks.length < 3)
    throw new RangeError(`waveOf: ${peaks.length} maxima between ${from} and ${to}, expected three or more`);
  const [first, last] = [peaks[0]!, peaks.at(-1)!];
  return {
    rate: slope(peaks.map(([t, value]) => [t, Math.log(value)])) / 2,
    frequency: (Math.PI * (peaks.length - 1)) / (last[0] - first[0]),
    peaks,
  };
}

/**
 * The rate at which an amplitude grows whose square is proportional to this energy, by the line through the logarithms in a window of
 * time. Throws a RangeError when there are fewer than three samples in it, or not as many energies as times.
 */
export function growthOf(times: ArrayLike<number>, energy: ArrayLike<number>, [from, to]: Window): number {
  checkSamples("growthOf", times, energy);
  const points = Array.from(times, (t, k): [number, number] => [t, Math.log(energy[k]!)]).filter(
    ([t]) => t >= from && t <= to,
  );
  if (points.length < 3)
    throw new RangeError(`growthOf: ${points.length} samples between ${from} and ${to}, expected three or more`);
  return slope(points) / 2;
}

function checkSamples(who: string, times: ArrayLike<number>, energy: ArrayLike<number>): void {
  if (energy.length !== times.length)
    throw new RangeError(`${who}: ${times.length} times with ${energy.length} energies, expected as many of both`);
}

/** The vertex of the parabola through three points. */
function vertex(t: readonly [number, number, number], y: readonly [number, number, number]): [number, number] {
  const left = (y[1] - y[0]) / (t[1] - t[0]);
  const bend = ((y[2] - y[1]) / (t[2] - t[1]) - left) / (t[2] - t[0]);
  const at = (t[0] + t[1]) / 2 - left / (2 * bend);
  return [at, y[0] + (at - t[0]) * (left + bend * (at - t[1]))];
}

function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (k: 0 | 1): number => points.reduce((sum, p) => sum + p[k], 0) / points.length;
  const [mt, my] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [t, y]) => sum + (t - mt) * (y - my), 0);
  return covariance / points.reduce((sum, [t]) => sum + (t - mt) ** 2, 0);
}

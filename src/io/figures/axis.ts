/** How one axis maps numbers to its plotted coordinate, and what is written along it. */
export interface AxisPlan {
  /** Plotted coordinate of a value: shifted and scaled, or its decimal logarithm. NaN for what the axis cannot show. */
  readonly place: (value: number) => number;
  /** Value at a plotted coordinate. */
  readonly value: (place: number) => number;
  /** Ends of the axis, as plotted coordinates. */
  readonly domain: readonly [number, number];
  /** Ticks, as plotted coordinates. */
  readonly ticks: readonly number[];
  readonly format: (tick: number) => string;
  /** The label with the offset and the power of ten that the tick labels leave out. */
  readonly label: string;
}

/** What a caller says about an axis. Values <= 0 are dropped on a logarithmic one. */
export interface AxisOptions {
  readonly label?: string;
  readonly log?: boolean;
}

const MINUS = "−";
/** Powers of ten that are exact enough to divide by: below, numbers are denormal. */
const EXPONENTS = [-300, 308] as const;

/**
 * Plans an axis for these values. Not finite ones are ignored; without any the axis runs over 0..1 (1..10).
 * `padding` is the fraction of the span that is left free at each end; `count` is about how many ticks there are.
 */
export function planAxis(
  values: readonly number[],
  { label = "", log = false }: AxisOptions,
  { padding, count }: { readonly padding: number; readonly count: number },
): AxisPlan {
  const shown = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let lo = shown.reduce((a, b) => Math.min(a, b), Infinity);
  let hi = shown.reduce((a, b) => Math.max(a, b), -Infinity);
  if (shown.length === 0) [lo, hi] = log ? [1, 10] : [0, 1];
  return log ? logarithmic(lo, hi, label, padding, count) : linear(lo, hi, label, padding, count);
}

/**
 * A linear axis. Values that differ by less than 1e-4 of their size are shown minus a round number, very large or small
 * ones divided by a power of ten, so that tick labels stay short and differ from each other; the label says both.
 */
function linear(lo: number, hi: number, label: string, padding: number, count: number): AxisPlan {
  const size = Math.max(Math.abs(lo), Math.abs(hi));
  const offset = hi > lo && hi / 2 - lo / 2 < 0.5e-4 * size ? roundBetween(lo, hi) : 0;
  const spread = Math.max(Math.abs(lo - offset), Math.abs(hi - offset));
  const isPlain = spread === 0 || (spread >= 1e-2 && spread < 1e5);
  const exponent = isPlain ? 0 : clamp(Math.floor(Math.log10(spread)), ...EXPONENTS);
  const unit = 10 ** exponent;
  const place = (v: number): number => (Number.isFinite(v) ? (v - offset) / unit : NaN);
  let [a, b] = [place(lo), place(hi)];
  const constant = a === 0 ? 1 : 0.1 * Math.abs(a);
  const margin = b > a ? padding * (b - a) : constant;
  [a, b] = [a - margin, b + margin];
  const step = niceStep((b - a) / count);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const shift = offset === 0 ? "" : offset > 0 ? ` ${MINUS} ${numberText(offset)}` : ` + ${numberText(-offset)}`;
  return {
    place,
    value: (p) => p * unit + offset,
    domain: [a, b],
    ticks: multiples(a, b, step),
    format: (tick) =>
      tick
        .toFixed(decimals)
        .replace(/^-(?=0\.?0*$)/, "")
        .replace("-", MINUS),
    label: `${label}${shift}${exponent === 0 ? "" : ` [${powerText(exponent)}]`}`.trim(),
  };
}

/** A logarithmic axis: decades, thinned out when there are many; 1-2-5 or finer below one and a half decades. */
function logarithmic(lo: number, hi: number, label: string, padding: number, count: number): AxisPlan {
  const place = (v: number): number => (v > 0 && Number.isFinite(v) ? Math.log10(v) : NaN);
  let [a, b] = [place(lo), place(hi)];
  const margin = b > a ? Math.max(padding * (b - a), padding > 0 ? 0.02 : 0) : 0.5;
  // where 10^tick may not be a number, only decades can be labelled
  const isExtreme = b - a < 3 && Math.max(Math.abs(a), Math.abs(b)) > 300;
  [a, b] = isExtreme ? [a - 1.5, b + 1.5] : [a - margin, b + margin];
  const decades = multiples(a, b, Math.max(1, niceStep((b - a) / (count + 2))));
  const shared = { place, value: (p: number): number => 10 ** p, domain: [a, b] as const, label };
  if (b - a >= 1.5 && decades.length >= 2)
    return { ...shared, ticks: decades, format: (t) => powerText(Math.round(t)) };
  const mantissas = multiples(Math.floor(a), b, 1).flatMap((e) => [1, 2, 5].map((m) => e + Math.log10(m)));
  const coarse = mantissas.filter((t) => t >= a && t <= b);
  const ticks = coarse.length >= 3 ? coarse : fineTicks(a, b, count);
  return { ...shared, ticks, format: (t) => numberText(10 ** t) };
}

/** Within a fraction of a decade a logarithmic axis is almost linear: round numbers at equal distances. */
const fineTicks = (a: number, b: number, count: number): number[] =>
  multiples(10 ** a, 10 ** b, niceStep((10 ** b - 10 ** a) / count))
    .filter((v) => v > 0)
    .map(Math.log10);

/** A number with few digits close to lo..hi, compared with which the difference of the two is large. */
function roundBetween(lo: number, hi: number): number {
  const middle = lo + (hi - lo) / 2;
  const digits = Math.floor(Math.log10(Math.abs(middle))) - Math.floor(Math.log10(hi - lo));
  const rounded = Number(middle.toPrecision(clamp(digits, 1, 15)));
  // the largest numbers round up to infinity
  return Number.isFinite(rounded) ? rounded : lo;
}

const clamp = (x: number, lo: number, hi: number): number => Math.max(lo, Math.min(hi, x));

/** The smallest of 1, 2, 5 times a power of ten that is not below `step`. */
function niceStep(step: number): number {
  const base = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 5].find((m) => m * base >= step * (1 - 1e-9)) ?? 10) * base;
}

function multiples(lo: number, hi: number, step: number): number[] {
  const first = Math.ceil(lo / step - 1e-9);
  const last = Math.floor(hi / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => (first + k) * step);
}

/** 10⁻¹² */
const powerText = (exponent: number): string =>
  `10${[...String(exponent)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("")}`;

/** The number in at most 15 digits, with a power of ten when it would be long. */
function numberText(v: number): string {
  if (v === 0 || (Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5))
    return String(Number(v.toPrecision(15))).replace("-", MINUS);
  const [mantissa = "", exponent = "0"] = v.toExponential(12).split("e");
  const digits = String(Number(mantissa));
  const power = powerText(Number(exponent));
  return digits === "1" ? power : `${digits.replace("-", MINUS)}×${power}`;
}

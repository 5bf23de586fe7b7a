/** How the k-th series is drawn: color, dashes and symbol all differ, so that no reader depends on color alone. */
export interface SeriesStyle {
  readonly color: string;
  readonly dash: string;
  readonly symbol: "circle" | "square" | "triangle" | "diamond" | "star" | "wye" | "cross";
}

/**
 * Okabe and Ito's palette, which readers with any color vision can tell apart (yellow left out: too pale on white), then
 * darker ones of Paul Tol's. Their number and those of dashes and symbols have no common divisor: 385 styles differ.
 */
const COLORS = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#E69F00",
  "#56B4E9",
  "#000000",
  "#882255",
  "#999933",
  "#332288",
  "#A5673F",
] as const;
const DASHES = ["none", "7 4", "2 3", "9 3 2 3", "12 4"] as const;
const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"] as const;

/** The style of the k-th series; colors, dashes and symbols repeat with different periods. */
export const seriesStyle = (k: number): SeriesStyle => ({
  color: COLORS[k % COLORS.length]!,
  dash: DASHES[k % DASHES.length]!,
  symbol: SYMBOLS[k % SYMBOLS.length]!,
});

export const FONT = "Helvetica, Arial, DejaVu Sans, sans-serif";
export const FONT_SIZE = 12;
export const INK = "#222222";
export const GRID = "#e4e4e4";
export const GUIDE = "#777777";

/** Width of a text in pixels, from the mean width of sans-serif letters: there is no font to measure with. */
export const textWidth = (text: string, fontSize: number): number => [...text].length * fontSize * 0.58;

/** Text without the characters that XML forbids: most control characters, and halves of surrogate pairs. */
export const xmlText = (text: string): string =>
  text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\ufffd");

import { type AxisOptions, type AxisPlan, planAxis } from "./axis.ts";
import { axesOf, MARGIN_BOTTOM, marginTop, roomForTicks } from "./frame.ts";
import { MARGIN, openPage } from "./page.ts";
import type { Plot } from "./panel.ts";
import { indexedPng } from "./png.ts";
import { FONT, FONT_SIZE, INK, xmlText } from "./style.ts";

/** A field on a rectangular grid of evenly spaced points: `values[i * y.length + j]` belongs to (x[i], y[j]). */
export interface Field {
  readonly title?: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** Fields beside each other; the labels of axes and colors hold for all of them. */
export interface HeatMapOptions {
  readonly title?: string;
  /** Width in pixels of all of it. Default: 300 for each column of panels, and the color bar. */
  readonly width?: number;
  readonly x?: { readonly label?: string };
  readonly y?: { readonly label?: string };
  /** What the colors mean, with its unit; `log` spreads decades. */
  readonly color?: AxisOptions;
  /** Whether a unit is as long on both axes ("equal", the default), or every panel is a square. */
  readonly aspect?: "equal" | "square";
  readonly panels: readonly Field[];
}

const LEVELS = 255;
/** The color of values that the scale cannot show. */
const MISSING = [0xbb, 0xbb, 0xbb] as const;
const BAR = { width: 16, left: 8 } as const;
const MARGIN_RIGHT = 14;

/**
 * Fields as colors, in panels that share one color scale, as a standalone SVG document on a white background; the scale
 * (viridis, even to the eye and readable with any color vision) stands beside them as a bar. A grid point is a cell around
 * it, pixels are embedded as PNG. Values that are not finite, or <= 0 with `color.log`, are gray.
 *
 *     await heatMap({ title: "Line source", x: { label: "x" }, y: { label: "y" }, color: { label: "E[φ]" },
 *       panels: [{ title: "parallel BUG", x, y, values }] })
 *
 * Up to three panels stand in a row, more in a square. Throws a RangeError without any panel, for a grid that is not evenly
 * spaced and rising, or for values that are not one for each point.
 */
export async function heatMap(options: HeatMapOptions): Promise<string> {
  const { title = "", panels, aspect = "equal" } = options;
  if (panels.length === 0) throw new RangeError("heatMap: no panels");
  const color = planAxis(
    panels.flatMap((panel) => Array.from(panel.values)),
    options.color ?? {},
    { padding: 0, count: 6 },
  );
  const columns = panels.length <= 3 ? panels.length : Math.ceil(Math.sqrt(panels.length));
  const barWidth = BAR.left + BAR.width + roomForTicks(color);
  const width = options.width ?? 300 * columns + barWidth;
  const panelWidth = Math.floor((width - barWidth) / columns);
  const planned = panels.map((panel) => planField(panel, options, panelWidth));
  const marginLeft = Math.max(...planned.map(({ y }) => roomForTicks(y)));
  const inner = panelWidth - marginLeft - MARGIN_RIGHT;
  const above = Math.max(...panels.map((panel) => marginTop(panel.title)));
  const frames = planned.map(({ x, y }) => (aspect === "square" ? inner : Math.round((inner * span(y)) / span(x))));
  const rows = Array.from({ length: Math.ceil(panels.length / columns) }, (_, row) =>
    Math.max(...frames.slice(row * columns, (row + 1) * columns)),
  );

  const page = await openPage(title, panels.map((panel) => panel.title ?? "").join(", ") || "heat map");
  const { plot, document } = page;
  const colors = [...viridis(plot), MISSING];
  const rowHeight = (k: number): number => above + rows[k]! + MARGIN_BOTTOM;
  const total = rows.reduce((sum, _, k) => sum + rowHeight(k), 0);
  let top = page.top;
  for (const [k, { panel, x, y }] of planned.entries()) {
    const column = k % columns;
    const row = Math.floor(k / columns);
    if (column === 0 && row > 0) top += rowHeight(row - 1);
    const part = plot.plot({
      document,
      width: panelWidth,
      height: above + frames[k]! + MARGIN_BOTTOM,
      marginLeft,
      marginRight: MARGIN_RIGHT,
      marginTop: above,
      marginBottom: MARGIN_BOTTOM,
      style: { fontFamily: FONT, fontSize: `${FONT_SIZE}px`, color: INK },
      x: { type: "linear", domain: x.domain, axis: null },
      y: { type: "linear", domain: y.domain, axis: null },
      marks: [
        picture(plot, pixelsOf(panel, color), [panel.x.length, panel.y.length], colors, [inner, frames[k]!]),
        plot.frame({ stroke: INK, strokeWidth: 1 }),
        ...axesOf(plot, { title: panel.title, x, y, marginLeft }),
      ],
    });
    page.place(part, column * panelWidth, top);
  }
  const bar = plot.plot({
    document,
    width: barWidth,
    height: total,
    marginLeft: BAR.left,
    marginRight: barWidth - BAR.left - BAR.width,
    marginTop: above,
    marginBottom: MARGIN_BOTTOM,
    style: { fontFamily: FONT, fontSize: `${FONT_SIZE}px`, color: INK },
    x: { type: "linear", domain: [0, 1], axis: null },
    y: { type: "linear", domain: color.domain, axis: null },
    marks: [
      picture(
        plot,
        Uint8Array.from({ length: LEVELS }, (_, k) => LEVELS - 1 - k),
        [1, LEVELS],
        colors,
        [BAR.width, total - above - MARGIN_BOTTOM],
      ),
      plot.frame({ stroke: INK, strokeWidth: 1 }),
      plot.axisY(color.ticks, {
        anchor: "right",
        tickFormat: color.format,
        label: xmlText(color.label),
        labelAnchor: "center",
        labelArrow: "none",
        labelOffset: barWidth - BAR.left - BAR.width - 12,
        fontSize: FONT_SIZE,
      }),
    ],
  });
  page.place(bar, columns * panelWidth, page.top);
  return page.finish(width, page.top + total + MARGIN / 2);
}

const span = ({ domain: [a, b] }: AxisPlan): number => b - a;

interface PlannedField {
  readonly panel: Field;
  readonly x: AxisPlan;
  readonly y: AxisPlan;
}

function planField(panel: Field, { x, y }: HeatMapOptions, width: number): PlannedField {
  const size = panel.x.length * panel.y.length;
  if (panel.values.length !== size)
    throw new RangeError(
      `heatMap: ${panel.values.length} values on a grid of ${panel.x.length} x ${panel.y.length} points, expected ${size}`,
    );
  const count = Math.max(2, Math.round(width / 80));
  const axis = (name: "x" | "y", label: string | undefined): AxisPlan =>
    planAxis(edgesOf(name, panel[name]), { label: label ?? "" }, { padding: 0, count });
  return { panel, x: axis("x", x?.label), y: axis("y", y?.label) };
}

/** The ends of a row of cells around these points. */
function edgesOf(name: string, points: ArrayLike<number>): [number, number] {
  const n = points.length;
  if (n === 0) throw new RangeError(`heatMap: ${name} has no points`);
  const step = n === 1 ? 1 : (points[n - 1]! - points[0]!) / (n - 1);
  for (let i = 0; i < n; i++)
    if (!(step > 0 && Math.abs(points[i]! - points[0]! - i * step) <= 1e-6 * step * n))
      throw new RangeError(
        `heatMap: ${name}[${i}] is ${points[i]}, expected evenly spaced, rising points from ${points[0]} to ${points[n - 1]}`,
      );
  return [points[0]! - step / 2, points[n - 1]! + step / 2];
}

/** Row-major color indices from the top left: x runs to the right, y upwards. */
function pixelsOf({ x, y, values }: Field, color: AxisPlan): Uint8Array {
  const [lo] = color.domain;
  const pixels = new Uint8Array(values.length);
  for (let i = 0; i < x.length; i++)
    for (let j = 0; j < y.length; j++) {
      const share = (color.place(values[i * y.length + j]!) - lo) / span(color);
      const level = Number.isNaN(share) ? LEVELS : Math.round(Math.max(0, Math.min(1, share)) * (LEVELS - 1));
      pixels[(y.length - 1 - j) * x.length + i] = level;
    }
  return pixels;
}

type Color = readonly [number, number, number];

const viridis = (plot: Plot): Color[] => {
  const scale = plot.scale({ color: { type: "linear", scheme: "viridis", domain: [0, LEVELS - 1] } })!;
  return Array.from({ length: LEVELS }, (_, k) => {
    const rgb = Number.parseInt((scale.apply(k) as string).slice(1), 16);
    return [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
  });
};

/** An image that fills the frame. Every cell is many pixels, since not all viewers keep the edges of magnified ones sharp. */
function picture(
  plot: Plot,
  pixels: Uint8Array,
  [columns, rows]: readonly [number, number],
  colors: readonly Color[],
  [width, height]: readonly [number, number],
) {
  const times = Math.ceil(width / columns);
  const magnified = new Uint8Array(pixels.length * times * times);
  for (let p = 0; p < magnified.length; p++) {
    const [row, column] = [Math.floor(p / (columns * times)), p % (columns * times)];
    magnified[p] = pixels[Math.floor(row / times) * columns + Math.floor(column / times)]!;
  }
  const bytes = indexedPng(columns * times, rows * times, magnified, colors);
  const src = `data:image/png;base64,${btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""))}`;
  return plot.image([src], {
    src: (d: string) => d,
    frameAnchor: "middle",
    width,
    height,
    preserveAspectRatio: "none",
    imageRendering: "pixelated",
  });
}

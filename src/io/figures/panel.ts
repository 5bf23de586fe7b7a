import type * as PlotModule from "@observablehq/plot";
import { type AxisOptions, type AxisPlan, planAxis } from "./axis.ts";
import { axesOf, MARGIN_BOTTOM, marginTop, roomForTicks } from "./frame.ts";
import { FONT, FONT_SIZE, GRID, GUIDE, INK, seriesStyle, xmlText } from "./style.ts";

export type Plot = typeof PlotModule;

/** Points of one line, in the order in which they are joined; NaN and infinities leave gaps. */
export interface Series {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

/** A gray reference line: y = c x^exponent through a point, or a horizontal or vertical line. */
export type Guide =
  | {
      readonly kind: "power";
      readonly exponent: number;
      readonly through: readonly [number, number];
      readonly label?: string;
    }
  | { readonly kind: "horizontal"; readonly y: number; readonly label?: string }
  | { readonly kind: "vertical"; readonly x: number; readonly label?: string };

/** One pair of axes with its lines. `height` is in pixels, axes and labels included. */
export interface Panel {
  readonly title?: string;
  readonly x?: AxisOptions;
  readonly y?: AxisOptions;
  readonly series: readonly Series[];
  readonly guides?: readonly Guide[];
  readonly height?: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Up to this many points every one is marked. */
const MARKED = 30;
const GUIDE_POINTS = 65;

/** Axes planned for the data, and the room that tick labels of y need. */
export interface PlannedPanel {
  readonly panel: Panel;
  readonly x: AxisPlan;
  readonly y: AxisPlan;
  readonly marginLeft: number;
}

/** Plans the axes. Throws a RangeError when a series has not as many x as y. */
export function planPanel(panel: Panel, width: number, height: number): PlannedPanel {
  for (const { name, x, y } of panel.series)
    if (x.length !== y.length) throw new RangeError(`lineChart: series '${name}' has ${x.length} x and ${y.length} y`);
  const drawable = panel.series.flatMap(({ x, y }) =>
    Array.from(x, (_, k): Point => ({ x: x[k]!, y: y[k]! })).filter(
      (p) => isShown(p.x, panel.x) && isShown(p.y, panel.y),
    ),
  );
  const guides = panel.guides ?? [];
  const xs = [...drawable.map((p) => p.x), ...guides.flatMap((g) => (g.kind === "vertical" ? [g.x] : []))];
  const ys = [...drawable.map((p) => p.y), ...guides.flatMap((g) => (g.kind === "horizontal" ? [g.y] : []))];
  const x = planAxis(xs, panel.x ?? {}, {
    padding: panel.x?.log ? 0.04 : 0.01,
    count: Math.max(3, Math.round(width / 100)),
  });
  // the label of a horizontal guide stands above it
  const isLabelled = guides.some((g) => g.kind === "horizontal" && g.label);
  const y = planAxis(ys, panel.y ?? {}, {
    padding: isLabelled ? 0.12 : 0.06,
    count: Math.max(3, Math.round(height / 50)),
  });
  return { panel, x, y, marginLeft: roomForTicks(y) };
}

const isShown = (v: number, axis: AxisOptions | undefined): boolean => Number.isFinite(v) && (!axis?.log || v > 0);

/** Draws a planned panel as an SVG element of `document`. */
export function drawPanel(
  plot: Plot,
  document: Document,
  { panel, x, y }: PlannedPanel,
  {
    width,
    height,
    marginLeft,
    styleOf,
  }: {
    readonly width: number;
    readonly height: number;
    readonly marginLeft: number;
    readonly styleOf: (name: string) => number;
  },
): Element {
  const guides = (panel.guides ?? []).map((guide) => ({ guide, points: guidePoints(guide, x, y) }));
  const lines = panel.series.map((series) => ({
    style: seriesStyle(styleOf(series.name)),
    points: Array.from(series.x, (_, k): Point => ({ x: x.place(series.x[k]!), y: y.place(series.y[k]!) })),
  }));
  const isEmpty = lines.every((line) => !line.points.some(isPoint));
  return plot.plot({
    document,
    width,
    height,
    marginLeft,
    marginRight: 18,
    marginTop: marginTop(panel.title),
    marginBottom: MARGIN_BOTTOM,
    style: { fontFamily: FONT, fontSize: `${FONT_SIZE}px`, color: INK },
    x: { type: "linear", domain: x.domain, axis: null },
    y: { type: "linear", domain: y.domain, axis: null },
    marks: [
      plot.gridX(x.ticks, { stroke: GRID, strokeOpacity: 1 }),
      plot.gridY(y.ticks, { stroke: GRID, strokeOpacity: 1 }),
      ...guides.map(({ points }) =>
        plot.line(points, { x: "x", y: "y", stroke: GUIDE, strokeWidth: 1.2, strokeDasharray: "5 4" }),
      ),
      ...lines.flatMap(({ style, points }) => [
        plot.line(points, { x: "x", y: "y", stroke: style.color, strokeWidth: 2, strokeDasharray: style.dash }),
        plot.dot(marked(points), {
          x: "x",
          y: "y",
          fill: style.color,
          stroke: "white",
          strokeWidth: 0.8,
          symbol: style.symbol,
          r: 4,
        }),
      ]),
      plot.frame({ stroke: INK, strokeWidth: 1 }),
      ...guides.flatMap(({ guide, points }) =>
        guideLabel(
          plot,
          guide,
          points,
          lines.flatMap((line) => line.points),
          x,
          y,
        ),
      ),
      ...(isEmpty ? [plot.text(["no data"], { frameAnchor: "middle", fontSize: 14, fill: GUIDE })] : []),
      ...axesOf(plot, { title: panel.title, x, y, marginLeft }),
    ],
  });
}

const isPoint = (p: Point): boolean => Number.isFinite(p.x) && Number.isFinite(p.y);

/** Whether single points of a series are marked in a panel. */
export const isMarked = (series: Series): boolean => series.x.length <= MARKED;

/** All points of a short series; of a long one those between two gaps, which no line would show. */
const marked = (points: readonly Point[]): Point[] =>
  points.length <= MARKED
    ? points.filter(isPoint)
    : points.filter((p, k) => isPoint(p) && ![points[k - 1], points[k + 1]].some((q) => q && isPoint(q)));

function guidePoints(guide: Guide, x: AxisPlan, y: AxisPlan): Point[] {
  const [x0, x1] = x.domain;
  const [y0, y1] = y.domain;
  if (guide.kind === "horizontal") return [x0, x1].map((p) => ({ x: p, y: y.place(guide.y) }));
  if (guide.kind === "vertical") return [y0, y1].map((p) => ({ x: x.place(guide.x), y: p }));
  const [px, py] = guide.through;
  return Array.from({ length: GUIDE_POINTS }, (_, k) => {
    const at = x0 + ((x1 - x0) * k) / (GUIDE_POINTS - 1);
    return { x: at, y: y.place(py * (x.value(at) / px) ** guide.exponent) };
  }).filter((p) => p.y >= y0 && p.y <= y1);
}

/** The label of a guide, on a white halo so that lines behind it do not disturb. */
function guideLabel(
  plot: Plot,
  guide: Guide,
  points: readonly Point[],
  data: readonly Point[],
  x: AxisPlan,
  y: AxisPlan,
): PlotModule.Markish[] {
  const at = guide.kind === "power" ? emptiest(points, data, x, y) : points.at(-1);
  if (!guide.label || !at || !isPoint(at)) return [];
  const place =
    guide.kind === "vertical"
      ? { textAnchor: "start" as const, dx: 5, dy: 9 }
      : { textAnchor: "end" as const, dx: -6, dy: -8 };
  const text = (): string => xmlText(guide.label!);
  return [
    plot.text([at], {
      x: "x",
      y: "y",
      text,
      fill: GUIDE,
      stroke: "white",
      strokeWidth: 4,
      fontSize: FONT_SIZE,
      ...place,
    }),
  ];
}

/** Of nine places along a guide the one farthest from all data, so that the label hides none. */
function emptiest(guide: readonly Point[], data: readonly Point[], x: AxisPlan, y: AxisPlan): Point | undefined {
  const [width, height] = [x.domain[1] - x.domain[0], y.domain[1] - y.domain[0]];
  const clearance = (p: Point): number =>
    data.reduce(
      (d, q) => (isPoint(q) ? Math.min(d, Math.hypot((p.x - q.x) / width, (p.y - q.y) / height)) : d),
      Infinity,
    );
  const places = Array.from({ length: 9 }, (_, k) => guide[Math.round(((k + 1) / 10) * (guide.length - 1))]);
  const candidates = places.filter((p) => p !== undefined).map((p) => ({ p, d: clearance(p) }));
  return candidates.reduce<(typeof candidates)[number] | undefined>(
    (best, c) => (best && best.d >= c.d ? best : c),
    undefined,
  )?.p;
}

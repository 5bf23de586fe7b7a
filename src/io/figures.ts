import { MARGIN, openPage } from "./figures/page.ts";
import { drawPanel, isMarked, type Panel, type Plot, planPanel } from "./figures/panel.ts";
import { INK, seriesStyle, textWidth, xmlText } from "./figures/style.ts";

export type { AxisOptions } from "./figures/axis.ts";
export type { Guide, Panel, Series } from "./figures/panel.ts";

/** A chart of one panel, or of several that are stacked and share one legend. `width` is in pixels (default 720). */
export type LineChartOptions = { readonly title?: string; readonly width?: number } & (
  | { readonly panels: readonly Panel[] }
  | Omit<Panel, "title">
);

const LEGEND_ROW = 22;
const LEGEND_FONT = 13;
const SWATCH = 34;

/**
 * Lines over a common abscissa as a standalone SVG document on a white background.
 *
 *     await lineChart({ title: "Convergence", x: { label: "h", log: true }, y: { label: "error", log: true },
 *       series: [{ name: "parallel BUG", x: h, y: error }], guides: [{ kind: "power", exponent: 1, through: [h0, e0] }] })
 *
 * Series of the same name look the same in all panels; the legend is left out when there is just one name. On
 * logarithmic axes values <= 0 are dropped; NaN and infinities leave gaps; up to 30 points are marked one by one.
 * Values that hardly differ (a norm that should stay 1) are shown minus a round number that the axis label names.
 * Throws a RangeError for a series whose x and y differ in length, or without any panel. Loads its drawing code
 * (Observable Plot) at the first call.
 */
export async function lineChart(options: LineChartOptions): Promise<string> {
  const { title = "", width = 720 } = options;
  const panels: readonly Panel[] = "panels" in options ? options.panels : [{ ...withoutTitle(options) }];
  if (panels.length === 0) throw new RangeError("lineChart: no panels");
  const heightOf = (panel: Panel): number => panel.height ?? (panels.length === 1 ? 440 : 280);
  const planned = panels.map((panel) => planPanel(panel, width, heightOf(panel)));

  const name = panels.map((panel) => panel.title ?? panel.y?.label ?? "").join(", ") || "line chart";
  const page = await openPage(title, name);
  const { plot, document } = page;
  let top = page.top;
  const place = (part: Element, height: number): void => {
    page.place(part, 0, top);
    top += height;
  };

  const names = [...new Set(panels.flatMap((panel) => panel.series.map((series) => series.name)))];
  if (names.length > 1) {
    const all = panels.flatMap((panel) => panel.series);
    const entries = names.map((name) => ({ name, isMarked: all.some((s) => s.name === name && isMarked(s)) }));
    const { element, height } = legend(plot, document, entries, width);
    place(element, height);
  }
  const marginLeft = Math.max(...planned.map((p) => p.marginLeft));
  const styleOf = (name: string): number => names.indexOf(name);
  for (const p of planned) {
    const height = heightOf(p.panel);
    place(drawPanel(plot, document, p, { width, height, marginLeft, styleOf }), height);
  }
  return page.finish(width, top + 4);
}

function withoutTitle(options: Panel): Panel {
  const { title: _, ...panel } = options;
  return panel;
}

interface LegendEntry {
  readonly name: string;
  readonly isMarked: boolean;
}

/** Rows of swatch and name, as many to a row as fit. */
function legend(plot: Plot, document: Document, entries: readonly LegendEntry[], width: number) {
  const items: (LegendEntry & { x: number; y: number; k: number })[] = [];
  let [x, row] = [MARGIN, 0];
  for (const [k, entry] of entries.entries()) {
    const needed = SWATCH + 8 + textWidth(entry.name, LEGEND_FONT) + 18;
    if (x > MARGIN && x + needed > width - MARGIN) [x, row] = [MARGIN, row + 1];
    items.push({ x, y: row * LEGEND_ROW + LEGEND_ROW / 2, k, ...entry });
    x += needed;
  }
  const height = (row + 1) * LEGEND_ROW + 4;
  const marks = items.flatMap((item) => {
    const { color, dash, symbol } = seriesStyle(item.k);
    const ends = [item.x, item.x + SWATCH].map((at) => ({ x: at, y: item.y }));
    const middle = item.isMarked ? [{ x: item.x + SWATCH / 2, y: item.y }] : [];
    const text = [{ x: item.x + SWATCH + 8, y: item.y }];
    return [
      plot.line(ends, { x: "x", y: "y", stroke: color, strokeWidth: 2, strokeDasharray: dash }),
      plot.dot(middle, { x: "x", y: "y", fill: color, stroke: "white", strokeWidth: 0.8, symbol, r: 4 }),
      plot.text(text, {
        x: "x",
        y: "y",
        text: () => xmlText(item.name),
        textAnchor: "start",
        fontSize: LEGEND_FONT,
        fill: INK,
      }),
    ];
  });
  const identity = { type: "identity" as const, axis: null };
  const element: Element = plot.plot({ document, width, height, margin: 0, x: identity, y: identity, marks });
  return { element, height };
}

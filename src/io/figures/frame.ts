import type * as PlotModule from "@observablehq/plot";
import type { AxisPlan } from "./axis.ts";
import { FONT_SIZE, INK, textWidth, xmlText } from "./style.ts";

/** Room below a frame for ticks and label. */
export const MARGIN_BOTTOM = 46;

/** Room above a frame, for a title if there is one. */
export const marginTop = (title: string | undefined): number => (title ? 34 : 10);

/** Room beside a frame for tick labels and a rotated axis label. */
export const roomForTicks = ({ ticks, format }: AxisPlan): number =>
  Math.ceil(Math.max(...ticks.map((tick) => textWidth(format(tick), FONT_SIZE)), 0)) + 36;

/** The axes of a panel, their labels in the middle, and its title above the top left corner. */
export function axesOf(
  plot: typeof PlotModule,
  {
    title,
    x,
    y,
    marginLeft,
  }: { readonly title: string | undefined; readonly x: AxisPlan; readonly y: AxisPlan; readonly marginLeft: number },
): PlotModule.Markish[] {
  const shared = { labelAnchor: "center", labelArrow: "none", fontSize: FONT_SIZE } as const;
  const style = { frameAnchor: "top-left", dy: -21, fontSize: 13, fontWeight: "bold", fill: INK } as const;
  return [
    plot.axisX(x.ticks, { ...shared, tickFormat: x.format, label: xmlText(x.label), labelOffset: 40 }),
    plot.axisY(y.ticks, { ...shared, tickFormat: y.format, label: xmlText(y.label), labelOffset: marginLeft - 10 }),
    ...(title ? [plot.text([xmlText(title)], style)] : []),
  ];
}

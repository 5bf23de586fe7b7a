import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { unzlibSync } from "fflate";
import { DOMParser } from "linkedom";
import { describe, expect, it } from "vitest";
import { type AxisPlan, planAxis } from "../../src/io/figures/axis.ts";
import { heatMap } from "../../src/io/figures/heat-map.ts";
import { seriesStyle } from "../../src/io/figures/style.ts";
import { lineChart } from "../../src/io/figures.ts";

const range = (n: number, f: (k: number) => number): number[] => Array.from({ length: n }, (_, k) => f(k));
const parse = (svg: string) => new DOMParser().parseFromString(svg, "image/svg+xml");
const texts = (svg: string): string[] => [...parse(svg).querySelectorAll("text")].map((t) => t.textContent ?? "");
const lines = (svg: string): string[] =>
  [...parse(svg).querySelectorAll('[aria-label="line"] path')].map((p) => p.getAttribute("d") ?? "");
const y = (values: readonly number[], log = false): AxisPlan =>
  planAxis(values, { label: "v", log }, { padding: 0.06, count: 6 });
const labels = (axis: AxisPlan): string[] => axis.ticks.map(axis.format);

describe("a line chart", () => {
  const h = range(8, (k) => 2 ** -(k + 3));
  const options = {
    title: 'Error & "steps" <d = 8>',
    x: { label: "h", log: true },
    y: { label: "error", log: true },
    series: [
      { name: "parallel <BUG>", x: h, y: h },
      { name: "augmented & exact", x: h, y: h.map((x) => x * x) },
    ],
    guides: [
      { kind: "power", exponent: 1, through: [0.1, 0.2], label: "h" },
      { kind: "horizontal", y: 1e-6, label: "tolerance" },
      { kind: "vertical", x: 0.01, label: "here" },
    ] as const,
  };

  it("is a standalone SVG document with namespace, title, size and a white background", async () => {
    const svg = await lineChart(options);
    const root = parse(svg).documentElement!;
    expect(svg.startsWith('<?xml version="1.0" encoding="UTF-8"?>\n<svg ')).toBe(true);
    expect(root.getAttribute("xmlns")).toBe("http://www.w3.org/2000/svg");
    expect(root.querySelector("title")!.textContent).toBe(options.title);
    expect(root.getAttribute("viewBox")).toBe(`0 0 ${root.getAttribute("width")} ${root.getAttribute("height")}`);
    expect(root.querySelector("rect")!.getAttribute("fill")).toBe("white");
    expect(svg).not.toMatch(/<style|<script|href=|url\((?!#)|NaN|Infinity|undefined/);
  });

  it("is the same text at every call", async () => {
    expect(await lineChart(options)).toBe(await lineChart(options));
  });

  it("is well-formed XML, whatever is in the texts", async () => {
    const svg = await lineChart({ ...options, title: "a\0b\ud800 ]]> &amp; \u00a0", y: { label: "<&>", log: true } });
    const python = spawnSync(
      "python3",
      ["-c", "import sys, xml.dom.minidom; xml.dom.minidom.parseString(sys.stdin.buffer.read())"],
      { input: svg },
    );
    // without Python this checks less, not nothing
    if (!python.error) expect(python.stderr.toString()).toBe("");
    expect(svg).toContain("a\ufffdb\ufffd");
  });

  it("writes axis labels, guide labels, and a legend with every series", async () => {
    const seen = texts(await lineChart(options));
    for (const text of ["h", "error", "tolerance", "here", "parallel <BUG>", "augmented & exact", options.title])
      expect(seen).toContain(text);
    expect(seen).toContain("10⁻²");
  });

  it("leaves the legend out for a single series", async () => {
    const seen = texts(await lineChart({ series: [{ name: "only", x: [1, 2], y: [1, 2] }] }));
    expect(seen).not.toContain("only");
  });

  it("has one color and one dash pattern for a name in all panels", async () => {
    const svg = await lineChart({
      panels: [
        {
          title: "one",
          series: [
            { name: "a", x: [0, 1], y: [0, 1] },
            { name: "b", x: [0, 1], y: [1, 0] },
          ],
        },
        { title: "two", series: [{ name: "b", x: [0, 1], y: [0, 1] }] },
      ],
    });
    const groups = [...parse(svg).querySelectorAll('[aria-label="line"]')];
    const strokes = groups.map((g) => `${g.getAttribute("stroke")} ${g.getAttribute("stroke-dasharray")}`);
    // legend a, legend b, panel one a, panel one b, panel two b
    expect(strokes).toHaveLength(5);
    expect([strokes[2], strokes[3], strokes[4]]).toEqual([strokes[0], strokes[1], strokes[1]]);
    expect(strokes[0]).not.toBe(strokes[1]);
    expect(texts(svg)).toEqual(expect.arrayContaining(["one", "two"]));
  });

  it("interrupts a line at NaN, and marks the points that no line would show", async () => {
    const values = range(101, (k) => (k === 50 || k === 52 ? NaN : k));
    const svg = await lineChart({ series: [{ name: "a", x: range(101, (k) => k), y: values }] });
    expect(lines(svg)[0]!.match(/M/g)).toHaveLength(3);
    expect(parse(svg).querySelectorAll('[aria-label="dot"] circle')).toHaveLength(1);
  });

  it("drops values that a logarithmic axis cannot show", async () => {
    const svg = await lineChart({
      y: { log: true },
      series: [{ name: "a", x: [1, 2, 3, 4, 5], y: [1, 10, 0, -5, 100] }],
    });
    expect(parse(svg).querySelectorAll('[aria-label="dot"] circle')).toHaveLength(3);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it("says 'no data' for an empty panel and keeps its axes", async () => {
    const svg = await lineChart({
      series: [
        { name: "a", x: [], y: [] },
        { name: "b", x: [1], y: [NaN] },
      ],
    });
    expect(texts(svg)).toEqual(expect.arrayContaining(["no data", "a", "b", "0.0", "1.0"]));
  });

  it("draws any numbers without writing NaN or Infinity", async () => {
    const value = fc.oneof(
      fc.double(),
      fc.constantFrom(0, 1, 1 + 2 ** -52, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE),
    );
    const points = fc.array(fc.tuple(value, value), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(points, fc.boolean(), fc.boolean(), async (pairs, logX, logY) => {
        const series = [{ name: "a", x: pairs.map((p) => p[0]), y: pairs.map((p) => p[1]) }];
        const svg = await lineChart({ x: { log: logX }, y: { log: logY }, series });
        expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      }),
      { numRuns: 60 },
    );
  });

  it("refuses a series whose x and y differ in length, and a chart without panels", async () => {
    await expect(lineChart({ series: [{ name: "a", x: [1], y: [] }] })).rejects.toThrow("series 'a' has 1 x and 0 y");
    await expect(lineChart({ panels: [] })).rejects.toThrow(RangeError);
  });
});

/** The pixels of an indexed PNG, row by row, as colors "r g b". */
function pixelsOf(href: string): string[][] {
  const bytes = Uint8Array.from(atob(href.replace("data:image/png;base64,", "")), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const chunks: Record<string, Uint8Array> = {};
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at))
    chunks[String.fromCharCode(...bytes.subarray(at + 4, at + 8))] = bytes.subarray(
      at + 8,
      at + 8 + view.getUint32(at),
    );
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const rows = unzlibSync(chunks["IDAT"]!);
  expect(rows).toHaveLength(height * (width + 1));
  return range(height, (j) => j).map((j) =>
    range(width, (i) => rows[j * (width + 1) + 1 + i]!).map((k) =>
      chunks["PLTE"]!.subarray(3 * k, 3 * k + 3).join(" "),
    ),
  );
}
const images = (svg: string): string[] =>
  [...parse(svg).querySelectorAll("image")].map((image) => image.getAttribute("href") ?? "");

describe("a heat map", () => {
  const grid = { x: [0, 1, 2], y: [0, 1] };
  const panels = [
    { title: "one", ...grid, values: [0, 1, 2, 3, 4, 5] },
    { title: "two <b>", ...grid, values: [0, Number.NaN, 0, 0, 0, 10] },
  ];
  const options = {
    title: "Field",
    x: { label: "x [cm]" },
    y: { label: "y" },
    color: { label: "flux & so on" },
    panels,
  };

  it("shows x to the right and y upwards, in cells of the same color", async () => {
    const [one] = images(await heatMap({ ...options, panels: [panels[0]!] }));
    const rows = pixelsOf(one!);
    const [height, width] = [rows.length, rows[0]!.length];
    expect([height % 2, width % 3, width / 3]).toEqual([0, 0, height / 2]);
    const cell = (i: number, j: number): string =>
      rows[Math.floor(((1 - j + 0.5) * height) / 2)]![(((i + 0.5) * width) / 3) | 0]!;
    expect(cell(0, 0)).toBe("68 1 84"); // viridis begins dark violet and ends yellow
    expect(cell(2, 1)).toBe("253 231 37");
    expect(new Set(rows.flat()).size).toBe(6);
    expect(rows[0]!.slice(0, width / 3)).toEqual(Array(width / 3).fill(cell(0, 1)));
  });

  it("has one color scale for all panels, with a bar, its ticks and its label", async () => {
    const svg = await heatMap(options);
    const [one, two, bar] = images(svg).map(pixelsOf);
    expect(one!.flat()).not.toContain("253 231 37"); // 5 of 10
    expect(two![0]!.at(-1)).toBe("253 231 37");
    expect([bar![0]![0], bar!.at(-1)![0]]).toEqual(["253 231 37", "68 1 84"]);
    for (const text of ["Field", "one", "two <b>", "x [cm]", "y", "flux & so on", "10"])
      expect(texts(svg)).toContain(text);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(await heatMap(options)).toBe(svg);
  });

  it("grays what the scale cannot show, also values <= 0 on a logarithmic one", async () => {
    const gray = "187 187 187";
    const [, two] = images(await heatMap(options)).map(pixelsOf);
    expect(two![0]![0]).toBe(gray);
    const log = await heatMap({ color: { log: true }, panels: [{ ...grid, values: [-1, 0, 1, 10, 100, 1e300] }] });
    expect(new Set(pixelsOf(images(log)[0]!).at(-1)).has(gray)).toBe(true);
    const nothing = await heatMap({ panels: [{ ...grid, values: Array(6).fill(Number.NaN) }] });
    expect(new Set(pixelsOf(images(nothing)[0]!).flat())).toEqual(new Set([gray]));
  });

  it("draws a unit as long on both axes, unless panels shall be squares", async () => {
    const ratio = async (aspect: "equal" | "square"): Promise<number> => {
      const svg = await heatMap({ aspect, panels: [{ x: [0, 1, 2, 3], y: [0, 1], values: Array(8).fill(1) }] });
      const image = parse(svg).querySelector("image")!;
      return Number(image.getAttribute("width")) / Number(image.getAttribute("height"));
    };
    expect(await ratio("equal")).toBeCloseTo(2, 1);
    expect(await ratio("square")).toBe(1);
  });

  it("refuses grids that are no grids, values that do not fit, and a map without panels", async () => {
    const refused = (panel: object) => expect(heatMap({ panels: [{ ...panels[0]!, ...panel }] })).rejects;
    await refused({ values: [1, 2] }).toThrow("heatMap: 2 values on a grid of 3 x 2 points, expected 6");
    await refused({ x: [0, 1, 4] }).toThrow("heatMap: x[1] is 1, expected evenly spaced, rising points from 0 to 4");
    await refused({ y: [1, 0] }).toThrow("heatMap: y[0] is 1, expected evenly spaced, rising points from 1 to 0");
    await refused({ x: [], values: [] }).toThrow("heatMap: x has no points");
    await expect(heatMap({ panels: [] })).rejects.toThrow("heatMap: no panels");
  });
});

it("the first 385 series differ in color, dashes or symbol; eleven in color alone", () => {
  const styles = range(385, (k) => k).map(seriesStyle);
  expect(new Set(styles.map((s) => `${s.color} ${s.dash} ${s.symbol}`)).size).toBe(385);
  expect(new Set(styles.slice(0, 11).map((s) => s.color)).size).toBe(11);
});

describe("the ticks of an axis", () => {
  it("can be told apart for a norm that varies by 1e-12 around 1, and the label says what was subtracted", () => {
    const axis = y([1 - 1e-12, 1, 1 + 1e-12]);
    expect(axis.label).toBe("v − 1 [10⁻¹²]");
    expect(labels(axis)).toEqual(["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
  });

  it("resolve a single rounding error", () => {
    const axis = y([1, 1 + 2 ** -52]);
    expect(axis.label).toBe("v − 1 [10⁻¹⁶]");
    expect(axis.ticks.length).toBeGreaterThanOrEqual(3);
  });

  it("name offset and power of ten so that the values can be recovered", () => {
    const axis = y([35.48571428571431, 35.48571428671431]);
    expect(axis.label).toMatch(/^v − 35\.4857142[89]\d* \[10⁻(⁹|¹⁰)\]$/);
    expect(axis.value(axis.place(35.4857142865))).toBeCloseTo(35.4857142865, 14);
    expect(y([-2, -2 + 1e-9]).label).toMatch(/^v \+ (2|1\.9{8,}\d*) \[10⁻/);
  });

  it("are around a constant, zero included", () => {
    expect(labels(y([1, 1, 1]))).toContain("1.00");
    expect(labels(y([0]))).toEqual(["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
    expect(y([3e-20]).label).toBe("v [10⁻²⁰]");
  });

  it("are decades on a logarithmic axis, thinned out over a huge range", () => {
    expect(labels(y([1e-3, 1e2], true))).toEqual(["10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹", "10²"]);
    expect(labels(y([1e-300, 1e300], true))).toEqual(["10⁻³⁰⁰", "10⁻²⁰⁰", "10⁻¹⁰⁰", "10⁰", "10¹⁰⁰", "10²⁰⁰", "10³⁰⁰"]);
    expect(labels(y([1.5, 30], true))).toEqual(["2", "5", "10", "20"]);
    expect(labels(y([1.0, 1.1], true)).length).toBeGreaterThanOrEqual(3);
  });

  it("have distinct labels, lie inside the axis and are not many, for any two numbers", () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(value, value, fc.boolean(), (a, b, log) => {
        const axis = y([a, b], log);
        const written = labels(axis);
        expect(new Set(written).size).toBe(written.length);
        expect(written.length).toBeGreaterThanOrEqual(2);
        expect(written.length).toBeLessThanOrEqual(14);
        for (const tick of axis.ticks) {
          const slack = 1e-6 * (axis.domain[1] - axis.domain[0]);
          expect(tick).toBeGreaterThanOrEqual(axis.domain[0] - slack);
          expect(tick).toBeLessThanOrEqual(axis.domain[1] + slack);
        }
      }),
      { numRuns: 1000, examples: [[Number.MAX_VALUE, 1.7976931348623155e308, false]] },
    );
  });
});

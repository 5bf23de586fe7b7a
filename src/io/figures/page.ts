import type { Plot } from "./panel.ts";
import { FONT, INK, xmlText } from "./style.ts";

const SVG = "http://www.w3.org/2000/svg";
/** Room between the edge of the page and what stands on it. */
export const MARGIN = 12;

/** A standalone SVG document on a white background, on which drawn parts are placed. */
export interface Page {
  readonly plot: Plot;
  readonly document: Document;
  /** Where the first part may begin: below the title, if there is one. */
  readonly top: number;
  /** Puts a drawn part at a place, in pixels. */
  place(part: Element, x: number, y: number): void;
  /** The document as text. */
  finish(width: number, height: number): string;
}

/** A page with a title in bold letters, unless it is empty; `name` tells readers who do not see it what it shows. */
export async function openPage(title: string, name: string): Promise<Page> {
  const [plot, { DOMParser }] = await Promise.all([import("@observablehq/plot"), import("linkedom")]);
  const document = new DOMParser().parseFromString(`<svg xmlns="${SVG}"/>`, "image/svg+xml") as unknown as Document;
  const svg = document.documentElement;
  const append = (tag: string, attributes: Readonly<Record<string, string | number>>, text = ""): void => {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    element.textContent = xmlText(text);
    svg.append(element);
  };
  append("title", {}, title || name);
  append("rect", { width: "100%", height: "100%", fill: "white" });
  const style = { "font-size": 16, "font-weight": "bold", fill: INK, "font-family": FONT };
  if (title) append("text", { x: MARGIN, y: MARGIN + 15, ...style }, title);
  return {
    plot,
    document,
    top: MARGIN + (title ? 28 : 0),
    place(part, x, y) {
      // a nested svg keeps Plot's own coordinates; its style sheet is for live pages only
      for (const style of part.querySelectorAll("style")) style.remove();
      for (const [key, value] of Object.entries({ x, y, color: INK, "font-family": FONT, "font-size": 12 }))
        part.setAttribute(key, String(value));
      for (const key of ["class", "style"]) part.removeAttribute(key);
      svg.append(part);
    },
    finish(width, height) {
      for (const [key, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height, role: "img" }))
        svg.setAttribute(key, String(value));
      return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.outerHTML}\n`;
    },
  };
}

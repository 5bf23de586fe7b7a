import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Checks } from "./page.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const swiftShader = [
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];

let server: Server;
const browsers: Browser[] = [];

beforeAll(async () => {
  const bundle = await rolldown({
    input: fileURLToPath(new URL("page.ts", import.meta.url)),
    platform: "browser",
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "esm" });
  await bundle.close();
  const files: Record<string, [type: string, body: string]> = {
    "/": ["text/html", '<script type="module" src="/page.js"></script>'],
    "/page.js": ["text/javascript", output[0].code],
  };
  server = createServer((request, response) => {
    const [type, body] = files[request.url ?? ""] ?? ["text/plain", ""];
    response.setHeader("content-type", `${type}; charset=utf-8`).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  for (const browser of browsers) await browser.close();
  server?.close();
});

async function open(args: string[]): Promise<Page> {
  const browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox", ...args] });
  browsers.push(browser);
  const page = await browser.newPage();
  page.setDefaultTimeout(110_000);
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction("globalThis.checks");
  return page;
}

/** Calls a check in the page. */
const call = <K extends keyof Checks>(page: Page, name: K, ...args: Parameters<Checks[K]>) =>
  page.evaluate(`checks.${name}(...${JSON.stringify(args)})`) as ReturnType<Checks[K]>;

describe.runIf(executablePath)("in Chromium", () => {
  let page: Page;
  beforeAll(async () => {
    page = await open(swiftShader);
  });

  test("kernels on 1000 random shapes are right to float32, and pairs 100 times better", async () => {
    const single = await call(page, "kernels", "float32", 1000, 40_000, 11);
    const pairs = await call(page, "kernels", "compensated", 1000, 40_000, 11);
    expect(Math.max(...single.ratios)).toBeLessThan(30);
    expect(Math.max(...single.ofBound)).toBeLessThanOrEqual(1);
    expect(Math.max(...pairs.ratios)).toBeLessThan(Math.max(...single.ratios) / 100);
    expect(Math.max(...pairs.ofBound)).toBeLessThanOrEqual(1);
  });

  test("a run on the device agrees with the CPU", async () => {
    const { error, notices, dispatches } = await call(page, "run", "float32");
    expect(notices).toEqual([]);
    expect(dispatches).toBeGreaterThan(0);
    expect(error).toBeLessThan(1e-4);
  });

  test("gpu.js gives the same products through WebGL", async () => {
    const { name, ratios } = await call(page, "gpuJs", 60, 20_000, 12);
    expect(name).toContain("gpu.js");
    expect(Math.max(...ratios)).toBeLessThan(30);
  });

  test("without an adapter the CPU does the work, with one notice", async () => {
    const bare = await open([]);
    const { precision, notices } = await call(bare, "contract");
    expect(precision).toBe("float64");
    expect(notices).toHaveLength(1);
    const run = await call(bare, "run", "float32");
    expect(run.notices).toHaveLength(1);
    expect(run.error).toBeLessThan(1e-14);
  });
});

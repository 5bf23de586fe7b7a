import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { application } from "./application.ts";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const nodeOf = (major: number): string =>
  fileURLToPath(new URL(`../node_modules/node-${major}/bin/node`, import.meta.url));
const made = application();
afterAll(() => made.remove());

interface Checked {
  readonly isSame: boolean;
  readonly size: number;
  readonly notices: readonly string[];
  readonly backend: string;
}

describe("workers of the packed package", () => {
  test.each([
    ["this Node", process.execPath],
    ["Node 22", nodeOf(22)],
    ["Node 24", nodeOf(24)],
  ])("give the same bits as one thread in %s", (_, node) => {
    if (!existsSync(node)) return console.warn(`${node} is not installed`);
    for (const backend of ["wasm", ""]) {
      const env = { ...process.env, ...(backend ? { DLRA_BACKEND: backend } : {}) };
      const out = execFileSync(node, [join(made.folder, "node.js")], { encoding: "utf8", env });
      const checked = JSON.parse(out) as Checked;
      expect(checked).toMatchObject({ isSame: true, notices: [] });
      expect(checked.size).toBeGreaterThan(100);
    }
  });
});

describe.runIf(executablePath)("workers of a Vite build in Chromium", () => {
  let browser: Browser;
  const servers: Server[] = [];

  beforeAll(async () => {
    await build({ root: made.folder, logLevel: "error", build: { target: "es2022" } });
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.close();
  });

  const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };
  async function checkIn(headers: Readonly<Record<string, string>>, count: number) {
    const server = createServer((request, response) => {
      const path = join(made.folder, "dist", request.url === "/" ? "index.html" : request.url!);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      if (!existsSync(path)) return void response.writeHead(404).end();
      response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream").end(readFileSync(path));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const page = await browser.newPage();
    const messages: string[] = [];
    page.on("pageerror", (error) => messages.push(error.message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.check");
    const checked = (await page.evaluate(`check(${count})`)) as Checked;
    const isIsolated = (await page.evaluate("crossOriginIsolated")) as boolean;
    return { ...checked, isIsolated, messages };
  }

  test("give the same bits as one thread in a page that is cross-origin isolated", async () => {
    const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
    const checked = await checkIn(isolation, 2);
    expect(checked).toMatchObject({ isSame: true, isIsolated: true, notices: [], messages: [] });
    expect(checked.backend).toMatch(/WebAssembly/);
  });

  test("and in one that is not, where memory cannot be shared", async () => {
    expect(await checkIn({}, 2)).toMatchObject({ isSame: true, isIsolated: false, notices: [], messages: [] });
  });
});

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const sources: Readonly<Record<string, string>> = {
  dlra: "src/index.ts",
  "dlra/linalg": "src/linalg/index.ts",
  "dlra/problems": "src/problems/index.ts",
  "dlra/testing": "src/testing/index.ts",
  "dlra/training": "src/training/index.ts",
  "dlra/gpu": "src/gpu/index.ts",
  "dlra/io": "src/io/index.ts",
};

/**
 * Every TypeScript block of some documents runs as it stands, the package's names resolved to the sources; from `folder`, which decides where other
 * packages are found.
 */
export function describeBlocks(documents: readonly string[], folder: string): void {
  const blocks = documents.flatMap((file) =>
    [...readFileSync(root + file, "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map((match, k) => ({
      file,
      k,
      code: match[1]!.replace(/from "(dlra[^"]*)"/g, (_, name: string) => {
        const source = sources[name];
        if (!source) throw new Error(`${file}: "${name}" is no entry point of the package`);
        return `from ${JSON.stringify(root + source)}`;
      }),
    })),
  );

  describe("documentation", () => {
    beforeAll(() => mkdirSync(folder, { recursive: true }));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test("has code blocks", () => expect(blocks.length).toBeGreaterThan(1));

    test.each(blocks)("block $k of $file runs and prints numbers", async ({ file, k, code }) => {
      const path = `${folder}${file.replaceAll("/", "-")}-${k}.ts`;
      writeFileSync(path, code);
      const printed: unknown[][] = [];
      const log = vi.spyOn(console, "log").mockImplementation((...values) => void printed.push(values));
      try {
        await import(path);
      } finally {
        log.mockRestore();
      }
      expect(printed.length).toBeGreaterThan(0);
      for (const value of printed.flat(2)) if (typeof value === "number") expect(value).toSatisfy(Number.isFinite);
      expect(printed.flat()).not.toContain(undefined);
    });
  });
}

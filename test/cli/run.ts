import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { main } from "../../src/cli/command.ts";

/** Runs the command in this process. */
export async function dlra(args: readonly string[], signal = new AbortController().signal) {
  let stdout = "";
  let stderr = "";
  const code = await main(args, {
    stdout: {
      write: (text) => {
        stdout += text;
      },
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
    },
    signal,
  });
  return { code, stdout, stderr };
}

/** A folder of its own for the tests of a file, removed at the end. */
export function scratchFolder(): (name: string) => string {
  const root = mkdtempSync(join(tmpdir(), "dlra-test-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return (name) => join(root, name);
}

/** `--set` for each of these. */
export const setting = (parameters: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(parameters).flatMap(([key, value]) => [
    "--set",
    `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  ]);

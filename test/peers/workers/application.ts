import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** What users of the package write: a run on workers and in one thread, compared bit by bit. */
export const source = `
import { balanced, backend, evolve, inline, parallelBug, workers } from "dlra";
import { longRangeIsing, spinChain, spinState } from "dlra/problems";

const bits = async (executor) => {
  const tree = balanced(8);
  const problem = { ...spinChain("ising", longRangeIsing(tree), spinState(tree, "up", 2), 0.3), observables: {} };
  let last;
  const truncation = { tolerance: 1e-8, maxRank: 6 };
  for await (const { y } of evolve(problem, { integrator: parallelBug(), h: 0.05, truncation, executor })) last = y;
  return last.tensors.flatMap(({ data }) => [...data]);
};

export async function check(count) {
  const notices = [];
  const executor = workers({ count, smallest: 0, onNotice: (notice) => notices.push(notice) });
  const [here, away] = [await bits(inline()), await bits(executor)];
  await executor[Symbol.asyncDispose]();
  const isSame = here.length === away.length && here.every((x, k) => Object.is(x, away[k]));
  return { isSame, size: here.length, notices, backend: backend().description };
}
`;

/** A folder with an application that uses the packed package, as npm would install it. Remove it when done. */
export function application(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "dlra-application-"));
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "pipe" });
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: root, stdio: "pipe" });
  const { version, dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "dlra"), { recursive: true });
  execFileSync("tar", [
    "xzf",
    join(folder, `dlra-${version}.tgz`),
    "--strip-components=1",
    "-C",
    join(modules, "dlra"),
  ]);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", private: true }));
  writeFileSync(join(folder, "check.js"), source);
  writeFileSync(join(folder, "main.js"), `import { check } from "./check.js";\nglobalThis.check = check;\n`);
  writeFileSync(join(folder, "index.html"), `<!doctype html><script type="module" src="/main.js"></script>`);
  writeFileSync(
    join(folder, "node.js"),
    `import { check } from "./check.js";\nprocess.stdout.write(JSON.stringify(await check(2)));\n`,
  );
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

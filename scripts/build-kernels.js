// Compiles the AssemblyScript kernels, with and without relaxed SIMD, into src/linalg/backends/kernels.generated.ts.
// Does nothing (in a few milliseconds) when that file was made from the same sources by the same compiler.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../src/linalg/backends/kernels/", import.meta.url);
const target = new URL("../src/linalg/backends/kernels.generated.ts", import.meta.url);
const compiler = new URL("../node_modules/assemblyscript/package.json", import.meta.url);

const names = readdirSync(folder)
  .filter((name) => name.endsWith(".ts"))
  .sort();
const hash = createHash("sha256");
for (const url of [new URL(import.meta.url), compiler, ...names.map((name) => new URL(name, folder))])
  hash
    .update(`${url.pathname.split("/").at(-1)}\0`)
    .update(readFileSync(url))
    .update("\0");
const stamp = `// ${hash.digest("hex")}`;

if (!existsSync(target) || !readFileSync(target, "utf8").startsWith(stamp)) {
  const asc = await import("assemblyscript/asc");
  const build = async (features) => {
    const files = new Map();
    const options = ["--runtime", "stub", "--noAssert", "-O3", "--converge", "--importMemory", "--sharedMemory"];
    const memory = ["--initialMemory", "64", "--maximumMemory", "65536", "--disableWarning", "201"];
    const enabled = ["simd", "threads", "bulk-memory", ...features].flatMap((feature) => ["--enable", feature]);
    const { error, stderr } = await asc.main(["index.ts", "--outFile", "out.wasm", ...options, ...memory, ...enabled], {
      readFile: (name) => {
        const url = new URL(name, folder);
        return existsSync(url) ? readFileSync(url, "utf8") : null;
      },
      writeFile: (name, contents) => void files.set(name, contents),
      listFiles: () => [],
    });
    if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
    return Buffer.from(files.get("out.wasm")).toString("base64");
  };
  const [plain, relaxed] = [await build([]), await build(["relaxed-simd"])];
  const text = `${stamp}\n// Made by scripts/build-kernels.js; do not edit.\nexport const plain =\n  "${plain}";\nexport const relaxed =\n  "${relaxed}";\n`;
  // Written aside and renamed, so that two builds at once never leave half a file.
  const partial = new URL(`kernels.generated.${process.pid}.tmp`, target);
  writeFileSync(partial, text);
  renameSync(partial, target);
  console.log(`kernels: ${fileURLToPath(target)} (${text.length} bytes)`);
}

// Bundles the script of workers, with everything it needs, as a string in src/executors/worker.generated.ts.
// Does nothing when that file was made from the same sources by the same bundler.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const target = fileURLToPath(new URL("../src/executors/worker.generated.ts", import.meta.url));
const version = createRequire(import.meta.url)("rolldown/package.json").version;
const bundle = await rolldown({
  input: fileURLToPath(new URL("../src/executors/worker-entry.ts", import.meta.url)),
  platform: "neutral",
  resolve: { mainFields: ["module", "main"] },
  // where the library lies is told to the script by who starts it
  transform: { target: "es2022", define: { "import.meta.url": "globalThis.dlraBase" } },
});
const { output } = await bundle.generate({ format: "iife", minify: true });
await bundle.close();
const [{ code }] = output;
const stamp = `// ${createHash("sha256").update(version).update(code).digest("hex")}`;
if (!existsSync(target) || !readFileSync(target, "utf8").startsWith(stamp)) {
  const partial = target.replace(/ts$/, `${process.pid}.tmp`);
  writeFileSync(
    partial,
    `${stamp}\n// Made by scripts/build-worker.js; do not edit.\nexport const script =\n  ${JSON.stringify(code)};\n`,
  );
  renameSync(partial, target);
  console.log(`worker: ${target} (${code.length} bytes)`);
}

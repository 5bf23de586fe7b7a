import { fileURLToPath } from "node:url";
import { describeBlocks } from "./blocks.ts";

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "docs/attention.md",
  "docs/conservation.md",
  "docs/gpu.md",
  "docs/operators.md",
  "docs/processors.md",
  "docs/scaling.md",
  "docs/testing.md",
  "docs/training.md",
  "docs/training-methods.md",
  "docs/training-tensors.md",
  "docs/transport.md",
];

describeBlocks(documents, fileURLToPath(new URL("./.generated/", import.meta.url)));

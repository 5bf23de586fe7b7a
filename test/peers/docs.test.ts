import { fileURLToPath } from "node:url";
import { describeBlocks } from "../docs/blocks.ts";

describeBlocks(["docs/adapters.md"], fileURLToPath(new URL("./.generated/", import.meta.url)));

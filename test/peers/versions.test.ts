import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";

test("the runtimes are those of test/peers, not of the library", () => {
  expect(tf.version_core).toBe("4.22.0");
});

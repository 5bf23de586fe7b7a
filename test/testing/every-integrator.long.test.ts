import { describe, test } from "vitest";
import { integratorContract } from "../../src/testing/index.ts";
import { methods } from "../integrators/methods.ts";

/** What an analyst gets for one line, for every integrator of the library. */
describe.each(methods.filter(({ linearOnly }) => !linearOnly))("$name", ({ integrator }) => {
  for (const { name, run } of integratorContract(integrator)) test(name, run);
});

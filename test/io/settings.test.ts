import { describe, expect, test } from "vitest";
import * as z from "zod";
import { adaptiveMethods, methodNames, methods, nestedOf, predictedBug } from "../../src/index.ts";
import {
  ConfigError,
  evolveOptions,
  integratorOf,
  parseAssignment,
  parseParameters,
  runSettings,
  treeOf,
} from "../../src/io/index.ts";

const schema = z.object(runSettings);
const parse = (given: unknown) => parseParameters("run", schema, given);

describe("parameters", () => {
  test("defaults fill in what is not given", () => {
    expect(parse({})).toMatchObject({
      T: 1,
      rtol: "off",
      atol: "off",
      dt: "auto",
      tolerance: "auto",
      maxRank: "auto",
      integrator: "predicted",
      root: "auto",
      coupling: "auto",
      firstStep: "auto",
      solver: "auto",
      tree: "binary",
      truncation: "weighted",
      rejection: false,
      backend: "auto",
    });
    expect(parse({ tolerance: "off", tree: [[0, 1], 2] })).toMatchObject({ tolerance: "off", tree: [[0, 1], 2] });
  });

  test("every parameter says what is expected, and refuses the rest by name and value", () => {
    for (const [name, field] of Object.entries(runSettings)) {
      const { description } = field as { description?: string };
      expect(description, name).toBeTruthy();
      for (const wrong of [null, { a: 1 }, "nonsense", -1]) {
        if (schema.shape[name as "T"].safeParse(wrong).success) continue;
        expect(() => parse({ [name]: wrong })).toThrow(
          `run: ${name} is ${JSON.stringify(wrong)}, expected ${description}`,
        );
      }
    }
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 0, -1, "1", true, [1]])("dt = %j", (dt) => {
    expect(() => parse({ dt })).toThrow(ConfigError);
    expect(() => parse({ dt })).toThrow(/^run: dt is /);
  });

  test.each([null, 3, "text", [1]])("no object of parameters: %j", (given) => {
    expect(() => parse(given)).toThrow(
      `run: the parameters are ${JSON.stringify(given)}, expected an object of names and values`,
    );
  });

  test("an unknown name, with the nearest one and all known", () => {
    expect(() => parse({ integratr: "parallel" })).toThrow(
      /unknown parameter "integratr"; did you mean "integrator"\? Known: T, rtol, atol, dt, /,
    );
    expect(() => parse({ somethingElse: 1 })).toThrow(
      /unknown parameter "somethingElse". Known: |unknown parameter "somethingElse"; did/,
    );
    expect(() => parse(JSON.parse('{"__proto__": {"dt": 3}}'))).toThrow(/unknown parameter "__proto__"/);
    expect(() => parse({ constructor: 1 })).toThrow(/unknown parameter "constructor"/);
  });

  test("a misspelt word, with the nearest one", () => {
    expect(() => parse({ integrator: "predicated" })).toThrow(/did you mean "predicted"\?$/);
    expect(() => parse({ integrator: "second-order" })).toThrow(/did you mean "second-order-[34]r"\?$/);
    expect(() => parse({ solver: "krilov" })).toThrow(/did you mean "krylov"\?$/);
    expect(() => parse({ integrator: "euler" })).toThrow(/augmented-corrected$/);
    expect(() => parse({ integrator: "toString" })).toThrow(ConfigError);
  });

  test("a long value is cut short in the message", () => {
    expect(() => parse({ dt: "x".repeat(1000) })).toThrow(/^.{0,200}$/);
  });
});

describe("key=value", () => {
  test.each([
    ["a=1", "a", 1],
    ["a=1e-8", "a", 1e-8],
    ["a = true ", "a", true],
    ["a=off", "a", "off"],
    ["a=inf", "a", "inf"],
    ["a=", "a", ""],
    ['a="1"', "a", "1"],
    ["a=[[0,1],2]", "a", [[0, 1], 2]],
    ["h=-sum(Z[i]*Z[i+1]) - sum(X[i])", "h", "-sum(Z[i]*Z[i+1]) - sum(X[i])"],
    ["h=sum(Z[i], i==2)", "h", "sum(Z[i], i==2)"],
    ['p={"g": 0.5}', "p", { g: 0.5 }],
  ] as [string, string, unknown][])("%s", (text, key, value) => {
    expect(parseAssignment(text)).toEqual([key, value]);
  });

  test.each(["", "a", "=1"])("%j has no key or no value", (text) => {
    expect(() => parseAssignment(text)).toThrow(ConfigError);
  });
});

describe("what settings mean", () => {
  test("trees", () => {
    expect(nestedOf(treeOf("binary", 4))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(nestedOf(treeOf("train", 4))).toEqual([0, [1, [2, 3]]]);
    expect(nestedOf(treeOf("star", 3))).toEqual([0, 1, 2]);
    expect(nestedOf(treeOf([[2, 0], 1], 3))).toEqual([[2, 0], 1]);
    expect(() => treeOf([[0, 1], 2], 4)).toThrow("tree: it has 3 leaves, but d is 4");
    expect(() => treeOf([[0, 1], 1], 3)).toThrow(ConfigError);
    expect(() => treeOf([[0], 1], 2)).toThrow(/^tree: the inner node at tree\[0\] has 1 children/);
  });

  test("integrators", () => {
    for (const name of methodNames)
      if (name !== "parallel") expect(integratorOf(parse({ integrator: name }))).toBe(methods[name]);
    expect(integratorOf(parse({})).name).toBe(predictedBug().name);
    const parallel = (more: object) => integratorOf(parse({ integrator: "parallel", ...more }));
    expect(parallel({}).name).toBe("parallel BUG, Galerkin root");
    expect(parallel({}).starter?.integrator.name).toBe("augmented BUG");
    expect(parallel({ firstStep: "parallel" }).starter).toBeUndefined();
    expect(parallel({ root: "assembled" }).name).toBe("parallel BUG, assembled root, euler coupling");
    expect(parallel({ root: "assembled", coupling: "evolved" }).name).toBe(
      "parallel BUG, assembled root, evolved coupling",
    );
  });

  test.each([
    [{ integrator: "midpoint", root: "assembled" }, "root = assembled was given with integrator = midpoint"],
    [{ firstStep: "parallel" }, "firstStep = parallel was given with integrator = predicted"],
    [{ substeps: 3 }, "substeps = 3 was given with solver = auto, but concerns"],
    [{ solver: "rk4", solverTolerance: 1e-6 }, "solverTolerance = 0.000001 was given with solver = rk4"],
    [{ solver: "dopri5", basisTolerance: 1e-6 }, "basisTolerance = 0.000001 was given with solver = dopri5"],
  ])("what another choice leaves without meaning is refused: %o", (given, message) => {
    expect(() => evolveOptions(parse(given))).toThrow(message);
  });

  test("options of the time loop", () => {
    const options = evolveOptions(
      parse({
        dt: 0.02,
        solver: "rk4",
        substeps: 3,
        tolerance: "off",
        maxRank: 7,
        minRank: 2,
        truncation: "paper",
        relative: true,
        rejection: true,
      }),
    );
    expect(options).toMatchObject({
      h: 0.02,
      rejection: true,
      truncation: { tolerance: "off", maxRank: 7, minRank: 2, method: "paper", relative: true },
    });
    expect(options.solver!.name).toBe("RK4 x 3");
    expect(evolveOptions(parse({ solver: "dopri5" })).solver!.name).toBe("Dormand-Prince 5(4)");
    expect(evolveOptions(parse({ solver: "krylov" })).solver!.name).toBe("Krylov exponential");
    expect(evolveOptions(parse({}))).toMatchObject({
      h: 0.01,
      solver: { name: "automatic" },
      truncation: { tolerance: 1e-8, maxRank: 64 },
    });
  });

  test("an accuracy leaves out what follows from it", () => {
    const options = evolveOptions(parse({ rtol: 1e-4 }));
    expect(options).toMatchObject({ rtol: 1e-4, truncation: { minRank: 1, method: "weighted" } });
    for (const key of ["h", "atol", "solver"]) expect(options).not.toHaveProperty(key);
    for (const key of ["tolerance", "relative", "maxRank"]) expect(options.truncation).not.toHaveProperty(key);
    expect(evolveOptions(parse({ atol: 1e-3, maxRank: 5 }))).toMatchObject({ atol: 1e-3, truncation: { maxRank: 5 } });
    expect(evolveOptions(parse({ rtol: 1e-4, solverTolerance: 1e-9 })).solver!.name).toBe("automatic");
    expect(evolveOptions(parse({ rtol: 1e-4, solver: "krylov" })).solver!.name).toBe("Krylov exponential");
  });

  test.each([
    [{ rtol: 1e-4, dt: 0.01 }, "dt = 0.01 and rtol = 0.0001 were both given"],
    [{ atol: 1e-4, dt: 0.01 }, "dt = 0.01 and atol = 0.0001 were both given"],
    [{ rtol: 1e-4, tolerance: 1e-8 }, "tolerance = 1e-8 and rtol = 0.0001 were both given"],
    [{ rtol: 1e-4, tolerance: "off" }, "tolerance = off and rtol"],
    [{ rtol: 1e-4, relative: true }, "relative = true and rtol"],
    [{ integrator: "lie", rtol: 1e-4 }, "rtol = 0.0001 was given, but integrator=lie keeps the ranks"],
    [{ integrator: "fixed-rank", tolerance: 1e-6 }, "tolerance = 0.000001 was given, but integrator=fixed-rank keeps"],
    [{ dt: 1e-300 }, "dt is 1e-300 with T = 1: 1.00e+300 steps, expected 1e+8 or fewer"],
    [{ T: 1e7 }, "dt is 0.01 with T = 10000000: 1.00e+9 steps"],
    [{ integrator: "strang", rejection: true }, "rejection = true was given, but integrator=strang keeps"],
  ])("%j: %s", (given, message) => {
    expect(() => evolveOptions(parse(given))).toThrow(ConfigError);
    expect(() => evolveOptions(parse(given))).toThrow(message);
    if ("integrator" in given && !("rejection" in given))
      expect(() => evolveOptions(parse(given))).toThrow(adaptiveMethods.join(", "));
  });

  test("methods that keep their ranks drop the usual tolerance", () => {
    for (const integrator of methodNames) {
      const { truncation } = evolveOptions(parse({ integrator }));
      expect(truncation).toMatchObject({ tolerance: adaptiveMethods.includes(integrator) ? 1e-8 : "off" });
      expect(evolveOptions(parse({ integrator, tolerance: "off" })).truncation).toMatchObject({ tolerance: "off" });
    }
  });
});

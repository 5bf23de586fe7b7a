import { describe, expect, test } from "vitest";
import * as z from "zod";
import { nestedOf } from "../../src/index.ts";
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
      dt: 0.01,
      tolerance: 1e-8,
      integrator: "parallel",
      root: "galerkin",
      coupling: "auto",
      firstStep: "augmented",
      solver: "krylov",
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
      /unknown parameter "integratr"; did you mean "integrator"\? Known: T, dt, /,
    );
    expect(() => parse({ somethingElse: 1 })).toThrow(
      /unknown parameter "somethingElse". Known: |unknown parameter "somethingElse"; did/,
    );
    expect(() => parse(JSON.parse('{"__proto__": {"dt": 3}}'))).toThrow(/unknown parameter "__proto__"/);
    expect(() => parse({ constructor: 1 })).toThrow(/unknown parameter "constructor"/);
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
    expect(integratorOf(parse({ integrator: "augmented" })).name).toBe("augmented BUG");
    expect(integratorOf(parse({})).name).toBe("parallel BUG, Galerkin root");
    expect(integratorOf(parse({})).starter?.integrator.name).toBe("augmented BUG");
    expect(integratorOf(parse({ firstStep: "parallel" })).starter).toBeUndefined();
    expect(integratorOf(parse({ root: "assembled" })).name).toBe("parallel BUG, assembled root, euler coupling");
    expect(integratorOf(parse({ root: "assembled", coupling: "evolved" })).name).toBe(
      "parallel BUG, assembled root, evolved coupling",
    );
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
    expect(evolveOptions(parse({})).solver!.name).toBe("Krylov exponential");
  });
});

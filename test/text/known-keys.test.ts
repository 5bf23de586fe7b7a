import { describe, expect, test } from "vitest";
import { checkKeys } from "../../src/text/known-keys.ts";

describe("options that are not known", () => {
  const known = { tolerance: true, maxRank: true } as const;
  const check = (options: object) => () => checkKeys("cut", options as Record<keyof typeof known, unknown>, known);

  test("are refused, with those that are known and the one that is close", () => {
    expect(check({ tolerance: 1, maxrank: 2 })).toThrow(
      new RangeError('cut: unknown option "maxrank"; known: tolerance, maxRank; did you mean "maxRank"?'),
    );
    expect(check({ x: undefined })).toThrow(new RangeError('cut: unknown option "x"; known: tolerance, maxRank'));
    expect(check({ toString: 1 })).toThrow('unknown option "toString"');
  });

  test("others pass, also those left undefined", () => {
    for (const options of [{}, { tolerance: 1 }, { maxRank: undefined }]) expect(check(options)).not.toThrow();
  });
});

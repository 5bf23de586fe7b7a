import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { denseOf as entriesOf } from "../../src/linalg/matrix-product.ts";
import { fromValues, type Scalar } from "../../src/linalg/tensor.ts";
import {
  parseSpinExpression,
  SpinExpressionError,
  type SpinExpressionOptions,
} from "../../src/problems/quantum/expression.ts";
import { spinOperators } from "../../src/problems/quantum/spin-operators.ts";
import { at, type Dense, denseOf, distance, eye, fromTensor, matmul, norm, oracle, scaled, sum } from "./dense.ts";

const dense = (text: string, d: number, options?: SpinExpressionOptions): Dense =>
  denseOf(parseSpinExpression(text, d, options), d);
const op = (name: string, site: number, d: number): Dense => at(site, d, oracle[name]!);
const zero = (d: number): Dense => scaled(eye(2 ** d), 0);
/** The number that a scalar expression stands for: the coefficient of the identity. */
const number = (text: string, options?: SpinExpressionOptions): Scalar =>
  parseSpinExpression(text, 3, options)[0]?.coefficient ?? 0;

const expectEqual = (a: Dense, b: Dense): void =>
  expect(distance(a, b)).toBeLessThanOrEqual(64 * Number.EPSILON * Math.max(1, norm(b)));

const errorOf = (text: string, d = 4, options?: SpinExpressionOptions): SpinExpressionError => {
  try {
    parseSpinExpression(text, d, options);
  } catch (error) {
    expect(error).toBeInstanceOf(SpinExpressionError);
    return error as SpinExpressionError;
  }
  throw new Error(`no error for ${text}`);
};

describe("spin operators", () => {
  it("are the matrices of the text books in the basis (up, down)", () => {
    for (const [name, matrix] of Object.entries(spinOperators))
      expect(distance(fromTensor(matrix), oracle[name]!)).toBe(0);
    expect(Object.keys(spinOperators)).toEqual(Object.keys(oracle));
  });

  it("are real except for Y and Sy", () => {
    const complexOnes = Object.keys(spinOperators).filter((name) => spinOperators[name]!.dtype === "complex128");
    expect(complexOnes).toEqual(["Y", "Sy"]);
  });
});

describe("numbers in a spin expression", () => {
  it.each([
    ["2+3*4", 14],
    ["(2+3)*4", 20],
    ["2-3-4", -5],
    ["16/4/2", 2],
    ["2*3/4*2", 3],
    ["-2^2", -4],
    ["(-2)^2", 4],
    ["2^3^2", 512],
    ["2^-1", 0.5],
    ["2^-1*4", 2],
    ["-2*-3", 6],
    ["2--3", 5],
    ["+3", 3],
    ["1e-3", 1e-3],
    [".5e1", 5],
    ["3.", 3],
    ["d*d", 9],
    ["cos(pi)", -1],
    ["sqrt(16) + abs(-2) + exp(0) + sin(0) + tan(0) + log(1)", 7],
    ["min(3, 1, 2) + max(3, 1, 2)", 4],
    ["abs(3+4im)", 5],
    ["im^2", -1],
    ["2im*2im", -4],
    ["(1+2im)/(1+2im)", 1],
    ["1/2im", { re: 0, im: -0.5 }],
    ["im^-1", { re: 0, im: -1 }],
    ["1 - 2im", { re: 1, im: -2 }],
  ] as const)("%s is %o", (text, value) => {
    expect(number(text)).toEqual(value);
  });

  it("knows complex phases and principal powers to rounding", () => {
    expectEqual([[pair(number("exp(im*pi/3)"))]], [[[0.5, Math.sqrt(3) / 2]]]);
    expectEqual([[pair(number("im^0.5"))]], [[[Math.SQRT1_2, Math.SQRT1_2]]]);
  });

  it("gives a number as that multiple of the identity, and nothing for zero", () => {
    expect(parseSpinExpression("1.5", 2)).toEqual([{ coefficient: 1.5, factors: [] }]);
    expect(parseSpinExpression("2-2", 2)).toEqual([]);
  });

  it("takes parameters by name, also ones called like an operator", () => {
    expect(number("J/4 + X", { parameters: { J: 2, X: 1 } })).toBe(1.5);
  });
});

const pair = (z: Scalar): readonly [number, number] => (typeof z === "number" ? [z, 0] : [z.re, z.im]);

describe("site operators in a spin expression", () => {
  it("sit on the site in brackets, counted from 0", () => {
    for (const name of Object.keys(oracle))
      for (const site of [0, 1, 2]) expectEqual(dense(`${name}[${site}]`, 3), op(name, site, 3));
    expectEqual(dense("Z[d-1]", 3), op("Z", 2, 3));
  });

  it("hand out the named matrix itself with coefficient 1", () => {
    for (const name of Object.keys(spinOperators).filter((n) => n !== "I")) {
      const [term] = parseSpinExpression(`${name}[1]`, 2);
      expect(term).toEqual({ coefficient: 1, factors: [{ mode: 1, operator: spinOperators[name] }] });
    }
  });

  it("multiply as matrices in the order written when they share a site", () => {
    expectEqual(dense("X[0]*Y[0]", 2), matmul(op("X", 0, 2), op("Y", 0, 2)));
    expectEqual(dense("Y[1]*X[1]*Sp[0]", 2), matmul(matmul(op("Y", 1, 2), op("X", 1, 2)), op("Sp", 0, 2)));
    expectEqual(dense("Sp[0]*Sm[0]", 2), op("n", 0, 2));
    expect(parseSpinExpression("X[0]*Y[0] - im*Z[0]", 2)).toEqual([]);
    expect(parseSpinExpression("Sp[0]*Sp[0]", 2)).toEqual([]);
    expect(parseSpinExpression("X[1]*X[1]", 2)).toEqual([{ coefficient: 1, factors: [] }]);
  });

  it("name a product after the operator that it is a multiple of", () => {
    const [term] = parseSpinExpression("X[0]*Y[0]", 1);
    expect(term).toEqual({ coefficient: { re: 0, im: 1 }, factors: [{ mode: 0, operator: spinOperators["Z"] }] });
  });

  it("come with their factors sorted by site and without identities", () => {
    const [term] = parseSpinExpression("Z[3]*X[0]*I[1]*Y[2]", 4);
    expect(term!.factors.map((f) => f.mode)).toEqual([0, 2, 3]);
  });

  it("merge equal terms, multiples included, and drop what cancels", () => {
    expect(parseSpinExpression("Z[0]*Z[1] + 2*Z[1]*Z[0]", 2)).toHaveLength(1);
    expect(parseSpinExpression("Z[0] - 2*Sz[0]", 2)).toEqual([]);
    expect(parseSpinExpression("0*X[0] + X[1]", 2)).toHaveLength(1);
    expectEqual(dense("Sp[0] + Sm[0] - X[0] + Sx[1]", 2), op("Sx", 1, 2));
  });

  it("expand products and powers of sums", () => {
    const a = sum(op("X", 0, 2), op("Y", 0, 2));
    expectEqual(dense("(X[0]+Y[0])*Z[1]", 2), matmul(a, op("Z", 1, 2)));
    expectEqual(dense("(X[0]+Y[0])^3", 2), matmul(a, matmul(a, a)));
    expectEqual(dense("(X[0]+Y[0])^0", 2), eye(4));
    expectEqual(dense("-X[0]^2", 2), scaled(eye(4), -1));
    expectEqual(dense("(1+Z[0])/2", 2), op("n", 0, 2));
    expectEqual(
      dense("2*(X[0]-3)*-Y[1]/4", 2),
      scaled(matmul(sum(op("X", 0, 2), scaled(eye(4), -3)), op("Y", 1, 2)), -0.5),
    );
  });

  it("may be the caller's own, of any size, and replace the built-in ones", () => {
    const spinOne = fromValues([3, 3], [1, 0, 0, 0, 0, 0, 0, 0, -1]);
    const [term] = parseSpinExpression("2*T[1]*I[0]", 2, { operators: { T: spinOne } });
    expect(term).toEqual({ coefficient: 2, factors: [{ mode: 1, operator: spinOne }] });
    expect(parseSpinExpression("T[0]^3 - T[0]", 1, { operators: { T: spinOne } })).toEqual([]);
    const mine = fromValues([2, 2], [0, 2, 2, 0]);
    expect(parseSpinExpression("X[0]", 1, { operators: { X: mine } })[0]!.factors[0]!.operator).toBe(mine);
    expect(errorOf("T[0]*X[1] + X[0]", 2, { operators: { T: spinOne } }).message).toContain("size 2x2 on site 0");
  });
});

describe("sums in a spin expression", () => {
  const pairs = (d: number, coefficient: (i: number, j: number) => number, a: string, b: string): Dense => {
    let h = zero(d);
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++) {
        const c = coefficient(i, j);
        if (c !== 0) h = sum(h, scaled(matmul(op(a, i, d), op(b, j, d)), c));
      }
    return h;
  };

  it("run over all sites and drop terms beyond the open ends", () => {
    expectEqual(
      dense("sum(Z[i]*Z[i+1])", 4),
      pairs(4, (i, j) => (j === i + 1 ? 1 : 0), "Z", "Z"),
    );
    expectEqual(
      dense("sum(X[i-1]*Y[i+1])", 4),
      pairs(4, (i, j) => (j === i + 2 ? 1 : 0), "X", "Y"),
    );
    expect(parseSpinExpression("sum(Z[i]*Z[i+1])", 1)).toEqual([]);
    expectEqual(dense("sum(Z[i] + X[i+1])", 2), dense("Z[0] + X[1] + Z[1]", 2));
  });

  it("have the coefficient of a long-range pair", () => {
    const h = dense("sum(Z[i]*Z[j]/abs(i-j)^1.5, i<j)", 4);
    expectEqual(
      h,
      pairs(4, (i, j) => (i < j ? (j - i) ** -1.5 : 0), "Z", "Z"),
    );
  });

  it("give the long-range Ising quench of the specification", () => {
    const text = "Omega*sum(X[i]) + Delta*sum(n[i]) + nu*sum(n[i]*n[k]/abs(i-k)^alpha, i<k)";
    const terms = parseSpinExpression(text, 4, { parameters: { Omega: 1, Delta: 1, nu: 2, alpha: 1 } });
    expect(terms).toHaveLength(4 + 4 + 6);
    // energy of "all up", spec/ising.md 4.8: d = 4 has E = 12.66666666666669
    expect(denseOf(terms, 4)[0]![0]![0]).toBeCloseTo(12.66666666666669, 12);
    const eight = parseSpinExpression(text, 8, { parameters: { Omega: 1, Delta: 1, nu: 2, alpha: 1 } });
    const allUp = eight.map((t) => (t.factors.every((f) => f.operator === spinOperators["n"]) ? t.coefficient : 0));
    expect(allUp.reduce<number>((s, c) => s + (c as number), 0)).toBeCloseTo(35.48571428571431, 11);
  });

  it.each([
    ["i<j", (i: number, j: number) => i < j],
    ["i<=j", (i: number, j: number) => i <= j],
    ["i>j", (i: number, j: number) => i > j],
    ["j>=i", (i: number, j: number) => j >= i],
    ["i!=j", (i: number, j: number) => i !== j],
    ["i==0, j>1", (i: number, j: number) => i === 0 && j > 1],
    ["i!=j, abs(i-j)<=2", (i: number, j: number) => i !== j && Math.abs(i - j) <= 2],
    ["i<j && j<3", (i: number, j: number) => i < j && j < 3],
    ["i<j and j<3", (i: number, j: number) => i < j && j < 3],
    ["i==0 && j==1 || i==2 and j==3", (i: number, j: number) => (i === 0 && j === 1) || (i === 2 && j === 3)],
    ["(i==0 or i==1) && j==3", (i: number, j: number) => i <= 1 && j === 3],
    ["1<=i<j<d", (i: number, j: number) => 1 <= i && i < j],
  ])("keep the index pairs with %s", (condition, holds) => {
    const h = dense(`sum(X[i]*Y[j]*(i+2*j+1), ${condition})`, 4);
    expectEqual(
      h,
      pairs(4, (i, j) => (holds(i, j) ? i + 2 * j + 1 : 0), "X", "Y"),
    );
  });

  it("test a condition only for indices that passed the ones before", () => {
    expect(parseSpinExpression("sum(Z[i]*Z[j], i!=j, 1/abs(i-j) > 0.4)", 4)).toHaveLength(5);
  });

  it("may be nested: an inner sum sees the outer indices and has its own", () => {
    const flat = dense("sum(X[i]*Z[j]*(i+j), j<i)", 4);
    expectEqual(dense("sum(X[i]*sum(Z[j]*(i+j), j<i))", 4), flat);
    expectEqual(dense("sum(X[i]*sum(Z[i]*Z[j], j<i))", 3), dense("sum(X[i]*Z[i]*Z[j], j<i)", 3));
    expectEqual(dense("sum(X[i])*sum(Y[i])", 3), dense("sum(X[i]*Y[j])", 3));
    expectEqual(dense("sum(Z[i])^2", 3), dense("3 + 2*sum(Z[i]*Z[j], i<j)", 3));
  });

  it("do not run over parameters inside the brackets", () => {
    expectEqual(dense("sum(Z[i]*Z[i+r])", 4, { parameters: { r: 2 } }), dense("Z[0]*Z[2]+Z[1]*Z[3]", 4));
  });

  it("ignore a division by zero in a product that leaves the chain", () => {
    expectEqual(dense("sum(1/i*Z[i]*Z[i-1])", 3), dense("Z[0]*Z[1] + Z[1]*Z[2]/2", 3));
    expectEqual(dense("sum(Z[i-1]*sum(X[j]/i, j<i))", 3), dense("Z[0]*X[0] + Z[1]*(X[0]+X[1])/2", 3));
  });

  it("expand all pairs of 128 sites", () => {
    const terms = parseSpinExpression("sum(Z[i]*Z[j]/abs(i-j)^1.5, i<j)", 128);
    expect(terms).toHaveLength(8128);
  });

  it("need no deep stack for a Hamiltonian written out term by term", () => {
    const text = Array.from({ length: 20000 }, (_, k) => `0.5*Z[${k % 50}]*Z[${50 + (k % 70)}]`).join(" + ");
    expect(parseSpinExpression(text, 128)).toHaveLength(350);
  });
});

describe("errors of a spin expression", () => {
  it("show the place, the line with a caret, and the nearest name", () => {
    expect(errorOf("sum(X[i]*Zz[i])").message).toBe(
      [
        `unknown operator 'Zz' at column 10; did you mean 'Z'? known: ${Object.keys(spinOperators).join(", ")}`,
        "  sum(X[i]*Zz[i])",
        "           ^",
      ].join("\n"),
    );
    expect(errorOf("sum(X[i]*Zz[i])")).toMatchObject({ name: "SpinExpressionError", position: 10 });
  });

  it("count lines when there are several", () => {
    const error = errorOf("X[0]\n  + Q[1]\n");
    expect(error.message).toContain("at line 2, column 5");
    expect(error.message).toMatch(/\n {4}\+ Q\[1\]\n {6}\^$/);
    expect(error.position).toBe(10);
  });

  it.each([
    ["", 1, "unexpected end of the expression"],
    ["X[0] +", 7, "unexpected end of the expression"],
    ["X[0", 4, "expected ']'"],
    ["(1+2", 5, "expected ')'"],
    ["X[]", 3, "expected a number"],
    ["2 X[0]", 3, "product is written with '*'"],
    ["1i*X[0]", 2, "imaginary number as 2im"],
    ["X[0])", 5, "unexpected ')'"],
    ["X[0] $ 2", 6, "unexpected character '$'"],
    ["sum(X[i], i=0)", 12, "equality is written '=='"],
    ["sum(X[i], i)", 11, "expected a condition such as i<j"],
    ["sum(X[0])", 1, "sum without a summation index"],
    ["sum(i<2, i<3)", 1, "sum without a summation index"],
    ["X[0] < 1", 1, "needs a number"],
    ["1 < 2", 3, "this is a condition"],
    ["X[i]", 3, "an index exists only in a sum"],
    ["X[4]", 1, "sites are 0 to 3"],
    ["X[-1]", 1, "site -1 is outside the chain"],
    ["sum(Z[i]*Z[d])", 10, "site 4 is outside the chain"],
    ["X[1.5]", 1, "1.5 is not an integer"],
    ["sum(Z[i]*X[i/2])", 10, "site index 0.5 is not an integer (i=1)"],
    ["X[Z[0]]", 3, "this is an expression with site operators"],
    ["1/X[0]", 3, "division by site operators"],
    ["2^X[0]", 3, "an exponent needs a number"],
    ["X[0]^-1", 6, "expected an integer from 0 to 64"],
    ["X[0]^1.5", 6, "expected an integer"],
    ["abs(X[0])", 5, "'abs' needs a number"],
    ["abs(1, 2)", 1, "'abs' takes 1 argument, given 2"],
    ["sqr(2)", 1, "did you mean 'sqrt'?"],
    ["Jz*X[0]", 1, "did you mean 'J'?"],
    ["J(X[0])", 1, "'J' is a parameter: a product is written J*(...)"],
    ["X*Y[0]", 1, "operator 'X' without a site"],
    ["sqrt*2", 1, "function 'sqrt' without arguments"],
    ["toString[0]", 1, "unknown operator"],
    ["constructor(1)", 1, "unknown function"],
    ["__proto__*X[0]", 1, "unknown name"],
    ["cos(im)", 1, "'cos' needs real numbers"],
    ["sum(Z[i], i<im)", 12, "complex numbers have no order"],
    ["1e999", 1, "too large"],
  ])("%s fails at column %i", (text, position, message) => {
    const error = errorOf(text, 4, { parameters: { J: 1 } });
    expect(error.message).toContain(message);
    expect(error.position).toBe(position);
  });

  it("stop before the stack or the memory ends", () => {
    expect(errorOf(`${"(".repeat(300)}1`).message).toContain("more than 200 nested levels");
    expect(errorOf(Array(1500).fill("X[0]").join("*")).message).toContain("more than 1000 operations nested");
    expect(errorOf("(sum(X[i])+sum(Y[i])+sum(Z[i])+1)^20", 200).message).toContain("more than 1000000 terms");
    expect(errorOf("sum(Z[i]*Z[j]*Z[k]*Z[l])", 40).message).toContain("more than 1000000 terms");
  });

  it.each([
    ["sum(Z[i]*Z[j]/abs(i-j)^1.5)", 14, "division by zero (i=0, j=0)"],
    ["sum(Z[i]/(i-2))", 9, "division by zero (i=2)"],
    ["sum(Z[i]*(i-1)^-2)", 15, "division by zero (i=1)"],
    ["sum(Z[i]*log(i))", 10, "log(0) is not a finite real number (i=0)"],
    ["sum(Z[i]*sqrt(1-i))", 10, "sqrt(-1) is not a finite real number (i=2)"],
    ["sum(Z[i], 1/i>0)", 12, "division by zero (i=0)"],
    ["1/0", 2, "division by zero"],
    ["X[0]*(1/(1/0))", 11, "division by zero"],
    ["exp(1000)*X[0]", 1, "exp(1000) is not a finite real number"],
    ["sum(X[i]*sum(Z[j]/(i-j)))", 18, "division by zero (i=0, j=0)"],
    ["1e300*X[0]*1e300*X[1]", 1, "overflow"],
  ])("%s names the operation and its indices", (text, position, message) => {
    const error = errorOf(text);
    expect(error.message).toContain(message);
    if (message !== "overflow") expect(error.position).toBe(position);
  });

  it("are a RangeError for a bad number of sites, parameter or operator", () => {
    expect(() => parseSpinExpression("X[0]", 0)).toThrow(RangeError);
    expect(() => parseSpinExpression("X[0]", 2.5)).toThrow(/d is 2.5/);
    expect(() => parseSpinExpression("J", 2, { parameters: { J: NaN } })).toThrow(/parameter J is NaN/);
    expect(() => parseSpinExpression("d", 2, { parameters: { d: 3 } })).toThrow(/reserved/);
    expect(() => parseSpinExpression("A[0]", 2, { operators: { A: fromValues([1, 2], [1, 2]) } })).toThrow(/1x2/);
  });

  it("shorten a very long line around the caret", () => {
    const lines = errorOf(`${"X[0]+".repeat(500)}Q[0]${"+X[0]".repeat(500)}`).message.split("\n");
    expect(lines[1]!.length).toBeLessThanOrEqual(102);
    expect(lines[1]![lines[2]!.indexOf("^")]).toBe("Q");
  });

  it("are SpinExpressionErrors for any text whatever", () => {
    const words = [
      "X",
      "Z",
      "[",
      "]",
      "(",
      ")",
      "i",
      "j",
      "sum",
      "+",
      "-",
      "*",
      "/",
      "^",
      ",",
      "<",
      "==",
      "and",
      "2",
      "im",
      " ",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 24 }), (parts) => {
        try {
          parseSpinExpression(parts.join(""), 2);
        } catch (error) {
          expect(error).toBeInstanceOf(SpinExpressionError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a random expression", () => {
  const d = 2;
  /** An expression as text that carries its own precedence, and its matrix computed without the parser. */
  interface Case {
    readonly text: string;
    readonly level: number;
    readonly matrix: Dense;
    readonly isNumber: boolean;
  }
  const wrap = (c: Case, level: number): string => (c.level < level ? `(${c.text})` : c.text);
  const leafNumber = fc.integer({ min: 1, max: 9 }).chain((k) =>
    fc.boolean().map(
      (isImaginary): Case => ({
        text: isImaginary ? `${k}im` : `${k / 4}`,
        level: 9,
        matrix: scaled(eye(2 ** d), isImaginary ? { re: 0, im: k } : k / 4),
        isNumber: true,
      }),
    ),
  );
  const leafSite = fc
    .tuple(fc.constantFrom(...Object.keys(oracle)), fc.integer({ min: 0, max: d - 1 }))
    .map(([name, site]): Case => ({ text: `${name}[${site}]`, level: 9, matrix: op(name, site, d), isNumber: false }));
  const { expression } = fc.letrec<{ expression: Case }>((tie) => {
    const two = fc.tuple(tie("expression"), tie("expression"));
    return {
      expression: fc.oneof(
        { maxDepth: 4, depthSize: "medium" },
        leafSite,
        leafNumber,
        two.map(
          ([a, b]): Case => ({
            text: `${wrap(a, 4)} + ${wrap(b, 5)}`,
            level: 4,
            matrix: sum(a.matrix, b.matrix),
            isNumber: a.isNumber && b.isNumber,
          }),
        ),
        two.map(
          ([a, b]): Case => ({
            text: `${wrap(a, 4)}-${wrap(b, 5)}`,
            level: 4,
            matrix: sum(a.matrix, scaled(b.matrix, -1)),
            isNumber: a.isNumber && b.isNumber,
          }),
        ),
        two.map(
          ([a, b]): Case => ({
            text: `${wrap(a, 5)}*${wrap(b, 6)}`,
            level: 5,
            matrix: matmul(a.matrix, b.matrix),
            isNumber: a.isNumber && b.isNumber,
          }),
        ),
        tie("expression").map(
          (a): Case => ({
            text: `-${wrap(a, 6)}`,
            level: 6,
            matrix: scaled(a.matrix, -1),
            isNumber: a.isNumber,
          }),
        ),
        fc.tuple(tie("expression"), fc.integer({ min: 1, max: 4 })).map(
          ([a, k]): Case => ({
            text: `${wrap(a, 5)} / ${k}`,
            level: 5,
            matrix: scaled(a.matrix, 1 / k),
            isNumber: a.isNumber,
          }),
        ),
        fc.tuple(tie("expression"), fc.integer({ min: 0, max: 3 })).map(
          ([a, k]): Case => ({
            text: `${wrap(a, 8)}^${k}`,
            level: 7,
            isNumber: a.isNumber,
            matrix: Array.from({ length: k }, () => a.matrix).reduce(matmul, eye(2 ** d)),
          }),
        ),
      ),
    };
  });

  it("printed and read again is the same matrix", () => {
    fc.assert(
      fc.property(expression, ({ text, matrix }) => {
        // a bound on what can grow before it cancels: every literal taken by its modulus
        const scale = Math.max(1, norm(matrix), text.length ** 6);
        expect(distance(dense(text, d), matrix)).toBeLessThanOrEqual(1e3 * Number.EPSILON * scale);
      }),
      { numRuns: 500 },
    );
  });

  it("gives terms in normal form: sorted distinct modes, finite non-zero coefficients, no term twice", () => {
    fc.assert(
      fc.property(expression, ({ text }) => {
        const terms = parseSpinExpression(text, d);
        const keys = terms.map(({ factors }) =>
          JSON.stringify(factors.map((f) => [f.mode, [...entriesOf(f.operator).data]])),
        );
        expect(new Set(keys).size).toBe(keys.length);
        for (const { coefficient, factors } of terms) {
          expect(Math.hypot(...pair(coefficient))).toBeGreaterThan(0);
          for (const [k, f] of factors.entries()) expect(f.mode).toBeGreaterThan(factors[k - 1]?.mode ?? -1);
        }
      }),
      { numRuns: 300 },
    );
  });
});

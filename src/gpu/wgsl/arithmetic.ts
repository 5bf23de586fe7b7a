import type { NumberKind } from "../encoding.ts";

/*
 * Compilers of shaders may contract, reassociate and cancel. `opaque` hides a number from them: an exclusive or with a zero of
 * which only the run knows that it is one. Between two calls stands at most one rounding that matters.
 */
const compensated = /* wgsl */ `
alias Real = vec2f; // high and low part

fn opaque(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ run.zero); }

/** a + b = sum + error, exactly [knuth] */
fn two_sum(a: f32, b: f32) -> vec2f {
  let s = opaque(a + b);
  let c = opaque(s - a);
  let d = opaque(s - c);
  return vec2f(s, opaque(a - d) + opaque(b - c));
}

/** The upper 12 bits. */
fn head(a: f32) -> f32 { return bitcast<f32>(bitcast<u32>(a) & 0xfffff000u); }

/** a b = product + error, exactly: products of halves have 24 bits, so that a fused multiply-add changes nothing [dekker] */
fn two_product(a: f32, b: f32) -> vec2f {
  let p = opaque(a * b);
  let a1 = head(a);
  let a2 = opaque(a - a1);
  let b1 = head(b);
  let b2 = opaque(b - b1);
  let e1 = opaque(a1 * b1 - p);
  let e2 = opaque(e1 + a1 * b2);
  let e3 = opaque(e2 + a2 * b1);
  return vec2f(p, e3 + a2 * b2);
}

fn real(x: f32) -> Real { return vec2f(x, 0); }
fn high(x: Real) -> f32 { return x.x; }
fn negative(x: Real) -> Real { return -x; }
fn proper(x: Real) -> Real { return two_sum(x.x, x.y); }

/** acc + a b, the low part as a plain sum: Dot2 [ogita, rump, oishi] */
fn add_product(acc: Real, a: Real, b: Real) -> Real {
  let p = two_product(a.x, b.x);
  let s = two_sum(acc.x, p.x);
  return vec2f(s.x, acc.y + (s.y + (p.y + (a.x * b.y + a.y * b.x))));
}

fn sum(a: Real, b: Real) -> Real {
  let s = two_sum(a.x, b.x);
  return two_sum(s.x, s.y + (a.y + b.y));
}

fn product(a: Real, b: Real) -> Real { return proper(add_product(vec2f(0), a, b)); }

/** 1 / sqrt(x) and 1 / x, each by one step of Newton's method from the float32 value */
fn reciprocal_root(x: Real) -> Real {
  let y = real(inverseSqrt(x.x));
  let rest = sum(real(1), negative(product(x, product(y, y))));
  return sum(y, product(real(0.5 * y.x), rest));
}
fn reciprocal(x: Real) -> Real {
  let y = real(1 / x.x);
  return sum(y, product(y, sum(real(1), negative(product(x, y)))));
}
`;

const single = /* wgsl */ `
alias Real = f32;

fn real(x: f32) -> Real { return x; }
fn high(x: Real) -> f32 { return x; }
fn negative(x: Real) -> Real { return -x; }
fn proper(x: Real) -> Real { return x; }
fn add_product(acc: Real, a: Real, b: Real) -> Real { return acc + a * b; }
fn sum(a: Real, b: Real) -> Real { return a + b; }
fn product(a: Real, b: Real) -> Real { return a * b; }
fn reciprocal_root(x: Real) -> Real { return inverseSqrt(x); }
fn reciprocal(x: Real) -> Real { return 1 / x; }
`;

const realNumbers = /* wgsl */ `
alias Number = Real;

fn number(x: Real) -> Number { return x; }
fn real_part(z: Number) -> Real { return z; }
fn conjugate(z: Number) -> Number { return z; }
fn fma_number(acc: Number, a: Number, b: Number) -> Number { return add_product(acc, a, b); }
fn proper_number(z: Number) -> Number { return proper(z); }
fn sum_number(a: Number, b: Number) -> Number { return sum(a, b); }
fn scaled(s: Real, z: Number) -> Number { return product(s, z); }
fn add_square(acc: Real, z: Number) -> Real { return add_product(acc, z, z); }
fn magnitude(z: Number) -> f32 { return abs(high(z)); }
`;

const complexNumbers = (parts: [re: string, im: string, type: string]): string => /* wgsl */ `
alias Number = ${parts[2]};

fn re(z: Number) -> Real { return z.${parts[0]}; }
fn im(z: Number) -> Real { return z.${parts[1]}; }
fn number(x: Real) -> Number { return Number(x, real(0)); }
fn real_part(z: Number) -> Real { return re(z); }
fn conjugate(z: Number) -> Number { return Number(re(z), negative(im(z))); }
fn fma_number(acc: Number, a: Number, b: Number) -> Number {
  return Number(
    add_product(add_product(re(acc), re(a), re(b)), negative(im(a)), im(b)),
    add_product(add_product(im(acc), re(a), im(b)), im(a), re(b)),
  );
}
fn proper_number(z: Number) -> Number { return Number(proper(re(z)), proper(im(z))); }
fn sum_number(a: Number, b: Number) -> Number { return Number(sum(re(a), re(b)), sum(im(a), im(b))); }
fn scaled(s: Real, z: Number) -> Number { return Number(product(s, re(z)), product(s, im(z))); }
fn add_square(acc: Real, z: Number) -> Real { return add_product(add_product(acc, re(z), re(z)), im(z), im(z)); }
fn magnitude(z: Number) -> f32 { return length(vec2f(high(re(z)), high(im(z)))); }
`;

/**
 * Arithmetic of one kind of number, so that every kernel has one text for all four: `Number`, its `Real` parts, and the
 * functions on them. A sum of products is `proper_number` of repeated `fma_number`.
 */
export function arithmetic({ dtype, precision }: NumberKind): string {
  const isPair = precision === "compensated";
  const numbers =
    dtype === "float64" ? realNumbers : complexNumbers(isPair ? ["xy", "zw", "vec4f"] : ["x", "y", "vec2f"]);
  return (isPair ? compensated : single) + numbers;
}

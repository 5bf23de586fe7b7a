import { type ContractionKernels, contractionBound, cpuKernels, type Product } from "../../../src/gpu/index.ts";
import { randomTensor, seeded, sizeOf, type Tensor, tensor, width } from "../../../src/linalg/index.ts";

/** Sizes at and beside those of tiles, slices and powers of two. */
const sizes = [1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 255, 257];
const ops = ["N", "T", "C"] as const;

/** Products of random shapes, all the sizes above among them, none above this many multiplications; real and complex, of all kinds. */
export function randomProducts(count: number, most: number, seed: number): Product[] {
  const random = seeded(seed);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const products: Product[] = [];
  while (products.length < count) {
    const [m, n, k] = [any(sizes), any(sizes), any(sizes)];
    const batch = any([null, 1, 2, 3]);
    if (m * n * k * (batch ?? 1) > most) continue;
    const [opA, opB] = [any(ops), any(ops)];
    const dtype = () => any(["float64", "float64", "complex128"] as const);
    const shared = any(["a", "b", "neither"]);
    const shape = (which: string, rows: number, columns: number, op: string): number[] => [
      ...(batch === null || shared === which ? [] : [batch]),
      ...(op === "N" ? [rows, columns] : [columns, rows]),
    ];
    products.push({
      a: randomTensor(random, shape("a", m, k, opA), dtype()),
      b: randomTensor(random, shape("b", k, n, opB), dtype()),
      opA,
      opB,
    });
  }
  return products;
}

export interface Errors {
  /** Largest |error| / (eps |A| |B|) with eps = 2^-23, over all entries, of each product. */
  readonly ratios: readonly number[];
  /** Largest |error| / (c |A| |B|) with the factor c that is promised, of each product. */
  readonly ofBound: readonly number[];
}

/** Errors of these kernels against float64. */
export async function errorsOf(kernels: ContractionKernels, products: readonly Product[]): Promise<Errors> {
  const cpu = cpuKernels();
  const got = await kernels.contract(products);
  const want = await cpu.contract(products);
  const sizes = await cpu.contract(products.map(({ a, b, ...ops }) => ({ a: moduli(a), b: moduli(b), ...ops })));
  const ratios: number[] = [];
  const ofBound: number[] = [];
  products.forEach(({ a, opA }, i) => {
    const { dtype, data } = want[i]!;
    const k = a.shape.at(opA === "N" ? -1 : -2)!;
    const w = width(dtype);
    let worst = 0;
    for (let p = 0; p < sizeOf(want[i]!.shape); p++) {
      const error = Math.hypot(...[0, w - 1].map((j) => got[i]!.data[w * p + j]! - data[w * p + j]!));
      worst = Math.max(worst, error / sizes[i]!.data[p]!);
    }
    ratios.push(worst / 2 ** -23);
    const { precision } = kernels;
    // the bound is that of each part, and of moduli Math.SQRT2 more
    if (precision !== "float64") ofBound.push(worst / (Math.SQRT2 * contractionBound(precision, k, w === 2)));
  });
  return { ratios, ofBound };
}

/** The tensor of |x|. */
function moduli(x: Tensor): Tensor {
  const w = width(x.dtype);
  const out = tensor(x.shape);
  out.data.forEach((_, p) => {
    out.data[p] = Math.hypot(x.data[w * p]!, w === 2 ? x.data[w * p + 1]! : 0);
  });
  return out;
}

import type * as Tensors from "../../src/linalg/tensor.ts";

/** The numbers of entries of all tensors made since this was cleared, where `recording` stands for the module of tensors. */
export const made = new Set<number>();

/** The module of tensors, with what its makers make noted in `made`. */
export function recording(actual: typeof Tensors): typeof Tensors {
  const seen = <A extends unknown[]>(make: (...args: A) => Tensors.Tensor) => {
    return (...args: A): Tensors.Tensor => {
      const t = make(...args);
      made.add(t.data.length);
      return t;
    };
  };
  return {
    ...actual,
    tensor: seen(actual.tensor),
    copy: seen(actual.copy),
    reshape: seen(actual.reshape),
    identity: seen(actual.identity),
  };
}

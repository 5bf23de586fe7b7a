/**
 * The function of two objects with its values remembered for as long as both live, by identity: for tensors, which are
 * never changed. What stays the same while a local problem is solved is then computed once.
 */
export function remembered<A extends object, B extends object, V>(f: (a: A, b: B) => V): (a: A, b: B) => V {
  const known = new WeakMap<A, WeakMap<B, { readonly value: V }>>();
  return (a, b) => {
    const others = known.get(a) ?? new WeakMap<B, { readonly value: V }>();
    known.set(a, others);
    const found = others.get(b) ?? { value: f(a, b) };
    others.set(b, found);
    return found.value;
  };
}

/**
 * The same for a function that depends on a number and on a list of objects too: all its values for two objects are kept while both
 * live, and searched one by one.
 */
export function rememberedAmong<A extends object, B extends object, C extends object | null, V>(
  f: (a: A, b: B, k: number, others: readonly C[]) => V,
): (a: A, b: B, k: number, others: readonly C[]) => V {
  const known = remembered(
    (_a: A, _b: B): { readonly k: number; readonly others: readonly C[]; readonly value: V }[] => [],
  );
  return (a, b, k, others) => {
    const values = known(a, b);
    const found = values.find((v) => v.k === k && v.others.every((o, i) => o === others[i]));
    if (found) return found.value;
    const value = f(a, b, k, others);
    values.push({ k, others, value });
    return value;
  };
}

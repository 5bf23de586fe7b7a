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

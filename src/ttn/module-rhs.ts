import { growthsOf } from "./growth.ts";
import type { ModuleReference, Rhs } from "./rhs.ts";
import type { TTN } from "./ttn.ts";

/**
 * A right-hand side made by an exported function of a module, so that it can be made again on a worker or in another process, where a
 * closure cannot go:
 *
 *     const rhs = await moduleRhs({ url: new URL("./burgers.js", import.meta.url).href, name: "burgers", arguments: [0.1] });
 *
 * `name` is "default" and `arguments` none unless given. Local fields that are data by themselves (those of operators) travel as
 * such; for others the states travel and the field is bound again there. The function has to give equal right-hand sides for equal
 * arguments. Throws a TypeError when the module has no such function, or an argument cannot be sent elsewhere, and a RangeError
 * when the address is not absolute.
 */
export async function moduleRhs(reference: Pick<ModuleReference, "url"> & Partial<ModuleReference>): Promise<Rhs> {
  const module: ModuleReference = { name: "default", arguments: [], ...reference };
  if (!URL.canParse(module.url))
    throw new RangeError(
      `moduleRhs: url is ${JSON.stringify(module.url)}, expected an absolute one such as new URL("./equation.js", import.meta.url).href`,
    );
  module.arguments.forEach((argument, k) => {
    try {
      structuredClone(argument);
    } catch {
      throw new TypeError(`moduleRhs: argument ${k} of ${module.name} cannot be sent elsewhere, expected plain values`);
    }
  });
  const rhs = await loadRhs(module);
  let begun: readonly [number, number] | undefined;
  return {
    dtype: rhs.dtype,
    check: (y) => rhs.check(y),
    ...(rhs.beginStep && {
      beginStep(step: number, t: number): void {
        begun = [step, t];
        rhs.beginStep!(step, t);
      },
    }),
    ...(rhs.prepare && { prepare: (trials: readonly TTN[]) => rhs.prepare!(trials) }),
    bind(trial, node, test) {
      const field = rhs.bind(trial, node, test);
      if (field.data) return field;
      return {
        ...field,
        data: {
          form: "module",
          module,
          trial,
          node,
          ...(test ? { test } : {}),
          growths: growthsOf([...trial.tensors, ...(test?.tensors ?? [])]),
          ...(begun ? { step: begun } : {}),
        },
      };
    },
  };
}

/** Imports the module and calls its function. Throws a TypeError when that does not give a right-hand side. */
export async function loadRhs({ url, name, arguments: given }: ModuleReference): Promise<Rhs> {
  const exported = (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as Readonly<
    Record<string, unknown>
  >;
  const make = exported[name];
  if (typeof make !== "function")
    throw new TypeError(
      `module ${url}: it exports no function "${name}", but ${Object.keys(exported).join(", ") || "nothing"}`,
    );
  const rhs = (await make(...given)) as Rhs;
  if (typeof rhs?.bind !== "function")
    throw new TypeError(`module ${url}: ${name} returns ${typeof rhs}, expected a right-hand side`);
  return rhs;
}

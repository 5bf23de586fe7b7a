import { axpy } from "../linalg/level1.ts";
import { commonDtype, type Tensor } from "../linalg/tensor.ts";
import { workspace } from "../linalg/workspace.ts";
import type { LocalField, Rhs } from "./rhs.ts";

const one = { re: 1, im: 0 };

/**
 * F = F_1 + F_2 + ...: local fields are added up, each evaluated as it is by itself.
 *
 * The sum is linear when all parts are, and a multiple of a Hermitian operator when all are with the same phase; its integral
 * is known when that of every part is. A state has to fit all parts. Throws a RangeError when there are none.
 */
export function sumRhs(...parts: readonly Rhs[]): Rhs {
  if (parts.length === 0) throw new RangeError("sumRhs: no right-hand side was given, expected one or more");
  const starting = parts.filter((part) => part.beginStep);
  return {
    dtype: commonDtype(...parts.map((part) => part.dtype)),
    check(y) {
      for (const part of parts) part.check(y);
    },
    ...(starting.length > 0
      ? {
          beginStep(step: number, t: number): void {
            for (const part of starting) part.beginStep?.(step, t);
          },
        }
      : {}),
    *prepare(trials) {
      for (const part of parts) if (part.prepare) yield* part.prepare(trials);
    },
    bind: (trial, node, test) => sumOfFields(parts.map((part) => part.bind(trial, node, test))),
  };
}

/** The sum of local fields, in their order. */
export function sumOfFields(fields: readonly LocalField[]): LocalField {
  const [first, ...rest] = fields as [LocalField, ...LocalField[]];
  if (rest.length === 0) return first;
  const other = rest.find((field) => field.dtype !== first.dtype);
  if (other)
    throw new TypeError(
      `sumRhs: one local field is ${first.dtype}, another ${other.dtype}; make the state complex first`,
    );
  const { phase } = first;
  const isHermitian = fields.every(
    (f) => f.kind === "linear-hermitian" && f.phase?.re === phase?.re && f.phase?.im === phase?.im,
  );
  const kind = isHermitian ? "linear-hermitian" : fields.some((f) => f.kind === "nonlinear") ? "nonlinear" : "linear";
  const increments = fields.flatMap((f) => f.increment ?? []);
  const data = fields.flatMap((f) => f.data ?? []);
  const flops = fields.flatMap((f) => (f.flops ? [() => f.flops!()] : []));
  return {
    kind,
    ...(data.length === fields.length ? { data: { form: "sum" as const, parts: data } } : {}),
    ...(flops.length === fields.length ? { flops: () => flops.reduce((sum, f) => sum + f(), 0) } : {}),
    ...(isHermitian && phase ? { phase } : {}),
    autonomous: fields.every((f) => f.autonomous),
    dtype: first.dtype,
    shapeOut: first.shapeOut,
    ...(increments.length === fields.length
      ? {
          increment(t0: number, t1: number, out: Tensor): void {
            using frame = workspace().frame();
            const part = frame.take(out.shape, out.dtype);
            increments.forEach((increment, k) => {
              increment(t0, t1, k === 0 ? out : part);
              if (k > 0) axpy(one, part, out);
            });
          },
        }
      : {}),
    plan(frame) {
      const [head, ...others] = fields.map((f) => f.plan(frame));
      const part = frame.take(first.shapeOut, first.dtype);
      return (t, x, out) => {
        head!(t, x, out);
        for (const evaluate of others) {
          evaluate(t, x, part);
          axpy(one, part, out);
        }
      };
    },
  };
}

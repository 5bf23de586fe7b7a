import { isMainThread } from "node:worker_threads";

/** Y' = (rate + t) Y, a right-hand side in plain JavaScript: what a worker can import without anything being built. */
export const growth = (rate, kind = "linear") => ({
  dtype: "float64",
  check() {},
  bind(trial, node) {
    return {
      kind,
      autonomous: false,
      dtype: trial.tensors[node].dtype,
      shapeOut: trial.tensors[node].shape,
      plan: () => (t, x, out) => {
        for (let i = 0; i < x.data.length; i++) out.data[i] = (rate + t) * x.data[i];
      },
    };
  },
});

/** Y' = (begin + t) Y, where `begin` is the time at which the step began. */
export const frozen = () => {
  let begin = 0;
  return {
    ...growth(0),
    beginStep(_, t) {
      begin = t;
    },
    bind: (trial, node) => growth(begin).bind(trial, node),
  };
};

/** A right-hand side that workers cannot make. */
export const unmovable = () => {
  if (!isMainThread) throw new Error("not on a worker");
  return growth(1);
};

let made = 0;

/** Takes its time, and tells its number; the first one fails. */
export const numbered = async (told) => {
  const number = made++;
  await new Promise((resolve) => setTimeout(resolve, 10));
  globalThis[told].push(number);
  if (number === 0) throw new Error("not yet");
  return growth(1);
};

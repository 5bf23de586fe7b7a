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

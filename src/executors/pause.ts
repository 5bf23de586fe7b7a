/** Lets pending events run, messages of workers among them; setTimeout, where setImmediate is missing, costs a millisecond or more. */
export const pause = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });

import { expect, test } from "vitest";
import { scaling } from "../../experiments/scaling.ts";
import { inline } from "../../src/index.ts";
import { parseParameters } from "../../src/io/index.ts";

const parameters = parseParameters("scaling", scaling.parameters, { ...scaling.quick, d: [4, 6], workers: 1 });

const stoppedAt = (measurement: number) => {
  const stop = new AbortController();
  let begun = -1; // the kernels come first
  const progress = () => {
    if (begun++ === measurement) stop.abort(new Error("interrupted"));
  };
  return scaling.run(parameters, { signal: stop.signal, executor: inline(), progress });
};

test("an interrupted measurement leaves the rows before it", async () => {
  const { record, extra, figures } = await stoppedAt(2);
  expect(record.status).toBe("interrupted");
  expect(record.message).toMatch(/^interrupted .*, in measurement 3$/);
  expect(extra!["rows"]).toMatchObject([
    { d: 4, places: 0 },
    { d: 4, places: 1 },
  ]);
  expect(extra!["table"]).toHaveLength(3);
  expect(Object.keys(figures)).toEqual(["F1-scaling"]);
});

test("before the first one there are none", async () => {
  const { record, extra, figures } = await stoppedAt(0);
  expect(record).toMatchObject({ status: "interrupted", times: [] });
  expect(extra!["rows"]).toEqual([]);
  expect(figures).toEqual({});
});

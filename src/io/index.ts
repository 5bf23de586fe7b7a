export { executorOf, workerCount } from "./executors.ts";
export { type Experiment, experiment, type Host, type Outcome } from "./experiment.ts";
export { type Expression, parseExpression } from "./expression.ts";
export { type Field, type HeatMapOptions, heatMap } from "./figures/heat-map.ts";
export { type AxisOptions, type Guide, type LineChartOptions, lineChart, type Panel, type Series } from "./figures.ts";
export { type ByteArray, IdxError, readIdx } from "./idx.ts";
export { type NpyArray, NpyError, readNpz, writeNpz, ZipError } from "./npz.ts";
export { type RecordOptions, type RunRecord, record } from "./record.ts";
export { OutputError, prepareFolder, removeOlder, resultFiles, stateHash, writeFiles } from "./result.ts";
export {
  ConfigError,
  evolveOptions,
  inlineOnly,
  integratorOf,
  isChosen,
  parseAssignment,
  parseParameters,
  type RunSettings,
  runSettings,
  stepOf,
  treeOf,
} from "./settings.ts";
export { readState, writeState } from "./state.ts";
export {
  pointResult,
  rowOf,
  type SweepPoint,
  type SweepRow,
  sweepFiles,
  sweepPoints,
  sweepTable,
} from "./sweep.ts";

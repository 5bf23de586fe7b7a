export { type JaxAdapter, type JaxWeightOptions, jaxJs } from "./adapters/jax/jax.ts";
export type { Stepper, StepState } from "./adapters/jax/stepper.ts";
export type { Transformation, TransformationSettings } from "./adapters/jax/transformation.ts";
export type { Jax, JaxFactors } from "./adapters/jax/types.ts";
export { lowRankMethods, type StepSettings } from "./adapters/settings.ts";
export type { LowRankDenseLayer, LowRankDenseOptions } from "./adapters/tensorflow/layer.ts";
export type { LowRankOptimizerExtras } from "./adapters/tensorflow/optimizer.ts";
export { type TensorFlowAdapter, tensorflow } from "./adapters/tensorflow/tensorflow.ts";
export type { TensorFlow } from "./adapters/tensorflow/types.ts";
export { type AttentionOptions, attention } from "./attention/attention.ts";
export {
  type GroupedWeights,
  type LatentWeights,
  type TuckerWeights,
  tuckerOfAttention,
  tuckerOfLatentAttention,
} from "./attention/conversion.ts";
export {
  type AttentionCounts,
  groupedCounts,
  latentCounts,
  type TuckerRanks,
  tensorProductCounts,
  tuckerCounts,
} from "./attention/counts.ts";
export { type TensorProductAttentionOptions, tensorProductAttention } from "./attention/tensor-product.ts";
export type { SequenceOptions } from "./attention/token-maps.ts";
export { embedding, oneToken, positions } from "./attention/tokens.ts";
export { type TuckerAttentionOptions, tuckerAttention } from "./attention/tucker.ts";
export { coreStep } from "./core-step.ts";
export { accuracy, firstSamples, gaussianClasses, samplesOf } from "./data.ts";
export { type Descended, Descent } from "./descent.ts";
export { type EnergyOptions, energy } from "./energy.ts";
export { fromArrays, toArrays, type WeightArray } from "./export/arrays.ts";
export type { InferenceStep } from "./export/inference.ts";
export { toOnnx } from "./export/onnx.ts";
export { GradientFlow } from "./gradient-flow.ts";
export { decayingMatrix, decayingTucker, heNormal, nearlyProduct } from "./initial.ts";
export { perToken, residual } from "./layers/chain.ts";
export { type ConvolutionOptions, convolution, maxPool } from "./layers/convolution.ts";
export { factored } from "./layers/factored.ts";
export { layerNorm, normalizeRows } from "./layers/layer-norm.ts";
export {
  activation,
  dense,
  type Layer,
  type LayerVariables,
  type LowRankOptions,
  lowRank,
  type SizedLayer,
} from "./layers/layers.ts";
export { fromPatches, type ImageShape, patchesOf } from "./layers/patches.ts";
export {
  type Base,
  dequantized,
  merged,
  type QuantizedFormat,
  type QuantizedMatrix,
  type QuantizedOptions,
  quantized,
} from "./layers/quantized.ts";
export { type SharedLowRankOptions, sharedLowRank } from "./layers/shared-low-rank.ts";
export { type TuckerLayerOptions, tuckerLayer } from "./layers/tucker-layer.ts";
export {
  type MethodSettings,
  type RuleName,
  ruleNames,
  type TrainingMethod,
  type TrainingMethodName,
  trainingMethod,
  trainingMethodNames,
  trainingRule,
} from "./methods.ts";
export { type ParameterCounts, parameterCounts } from "./parameters.ts";
export { ranksWithin } from "./rank-budget.ts";
export { type AdamOptions, adam } from "./rules/adam.ts";
export {
  type BoundedConditionOptions,
  boundedCondition,
  type CoreProjection,
  conditionPenalty,
  type Penalty,
} from "./rules/core-condition.ts";
export { type GaloreOptions, galore } from "./rules/galore.ts";
export { prunedWeights, type RankPruningOptions, rankPruning } from "./rules/rank-pruning.ts";
export { type FrameOf, type Rule, type RuleState, sgd } from "./rules/rules.ts";
export { type SmmfOptions, smmf } from "./rules/smmf.ts";
export { type Sequential, sequential } from "./sequential.ts";
export { type Covector, type Gradient, gradientSeen, outerProducts, products, wholeGradient } from "./tape/covector.ts";
export { crossEntropy, type Loss, meanSquaredError } from "./tape/losses.ts";
export {
  addRow,
  addScaled,
  applyDense,
  applyLowRank,
  gelu,
  LowRankWeight,
  mapEntries,
  relu,
  tanh,
} from "./tape/operations.ts";
export { type Pullback, Tape, type Variable } from "./tape/tape.ts";
export { imageTrain, imageTree } from "./tensors/image-trees.ts";
export { halved, type TreeClassifier, type TreeClassifierOptions, treeClassifier } from "./tensors/tree-classifier.ts";
export { randomTubalProblem, type TubalProblem, type TubalStep, tubalDescent, tubalProblem } from "./tensors/tubal.ts";
export { ranksOf, TrainingError, type TrainingStep, train } from "./train.ts";
export type { TrainOptions } from "./train-options.ts";
export type { Dataset, Evaluation, Model, Objective, Weights } from "./weights.ts";

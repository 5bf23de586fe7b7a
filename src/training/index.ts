export { type AdamOptions, adam } from "./adam.ts";
export { type JaxAdapter, type JaxWeightOptions, jaxJs } from "./adapters/jax/jax.ts";
export type { Stepper, StepState } from "./adapters/jax/stepper.ts";
export type { Transformation, TransformationSettings } from "./adapters/jax/transformation.ts";
export type { Jax, JaxFactors } from "./adapters/jax/types.ts";
export { lowRankMethods, type StepSettings } from "./adapters/settings.ts";
export type { LowRankDenseLayer, LowRankDenseOptions } from "./adapters/tensorflow/layer.ts";
export type { LowRankOptimizerExtras } from "./adapters/tensorflow/optimizer.ts";
export { type TensorFlowAdapter, tensorflow } from "./adapters/tensorflow/tensorflow.ts";
export type { TensorFlow } from "./adapters/tensorflow/types.ts";
export { type AttentionOptions, attention } from "./attention.ts";
export {
  type GroupedWeights,
  type LatentWeights,
  type TuckerWeights,
  tuckerOfAttention,
  tuckerOfLatentAttention,
} from "./attention-conversion.ts";
export {
  type AttentionCounts,
  groupedCounts,
  latentCounts,
  type TuckerRanks,
  tensorProductCounts,
  tuckerCounts,
} from "./attention-counts.ts";
export { perToken, residual } from "./chain.ts";
export { type ConvolutionOptions, convolution, maxPool } from "./convolution.ts";
export {
  type BoundedConditionOptions,
  boundedCondition,
  type CoreProjection,
  conditionPenalty,
  type Penalty,
} from "./core-condition.ts";
export { coreStep } from "./core-step.ts";
export { type Covector, type Gradient, gradientSeen, outerProducts, products, wholeGradient } from "./covector.ts";
export { accuracy, firstSamples, gaussianClasses, samplesOf } from "./data.ts";
export { type Descended, Descent } from "./descent.ts";
export { type EnergyOptions, energy } from "./energy.ts";
export { fromArrays, toArrays, type WeightArray } from "./export/arrays.ts";
export type { InferenceStep } from "./export/inference.ts";
export { toOnnx } from "./export/onnx.ts";
export { factored } from "./factored.ts";
export { type GaloreOptions, galore } from "./galore.ts";
export { GradientFlow } from "./gradient-flow.ts";
export { imageTrain, imageTree } from "./image-trees.ts";
export { decayingMatrix, decayingTucker, heNormal, nearlyProduct } from "./initial.ts";
export { layerNorm, normalizeRows } from "./layer-norm.ts";
export {
  activation,
  dense,
  type Layer,
  type LayerVariables,
  type LowRankOptions,
  lowRank,
  type SizedLayer,
} from "./layers.ts";
export { crossEntropy, type Loss, meanSquaredError } from "./losses.ts";
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
} from "./operations.ts";
export { type ParameterCounts, parameterCounts } from "./parameters.ts";
export { fromPatches, type ImageShape, patchesOf } from "./patches.ts";
export {
  type Base,
  dequantized,
  merged,
  type QuantizedFormat,
  type QuantizedMatrix,
  type QuantizedOptions,
  quantized,
} from "./quantized.ts";
export { ranksWithin } from "./rank-budget.ts";
export { prunedWeights, type RankPruningOptions, rankPruning } from "./rank-pruning.ts";
export { type FrameOf, type Rule, type RuleState, sgd } from "./rules.ts";
export { type Sequential, sequential } from "./sequential.ts";
export { type SharedLowRankOptions, sharedLowRank } from "./shared-low-rank.ts";
export { type SmmfOptions, smmf } from "./smmf.ts";
export { type Pullback, Tape, type Variable } from "./tape.ts";
export { type TensorProductAttentionOptions, tensorProductAttention } from "./tensor-product-attention.ts";
export type { SequenceOptions } from "./token-maps.ts";
export { embedding, oneToken, positions } from "./tokens.ts";
export { ranksOf, TrainingError, type TrainingStep, train } from "./train.ts";
export type { TrainOptions } from "./train-options.ts";
export { halved, type TreeClassifier, type TreeClassifierOptions, treeClassifier } from "./tree-classifier.ts";
export { randomTubalProblem, type TubalProblem, type TubalStep, tubalDescent, tubalProblem } from "./tubal.ts";
export { type TuckerAttentionOptions, tuckerAttention } from "./tucker-attention.ts";
export { type TuckerLayerOptions, tuckerLayer } from "./tucker-layer.ts";
export type { Dataset, Evaluation, Model, Objective, Weights } from "./weights.ts";

// biome-ignore lint/suspicious/noExplicitAny: what a base class is constructed with is its own affair
type Base = abstract new (...args: any[]) => object;

/**
 * What has to be there of TensorFlow.js: the module `@tensorflow/tfjs`, or `{ ...core, ...layers }` of `@tensorflow/tfjs-core` and
 * `@tensorflow/tfjs-layers`.
 */
export interface TensorFlow {
  readonly Optimizer: Base;
  readonly layers: { readonly Layer: Base; activation(args: never): object };
  readonly initializers: { zeros(): object };
  readonly serialization: { registerClass(cls: never): void };
  engine(): object;
  tensor(values: never, shape: never, dtype: never): object;
  tidy(f: () => never): unknown;
  keep(x: never): object;
  matMul(a: never, b: never): object;
  transpose(x: never): object;
  reshape(x: never, shape: number[]): object;
  add(a: never, b: never): object;
  zerosLike(x: never): object;
  customGrad(f: never): (...inputs: never[]) => object;
  variableGrads(f: never, variables: never): object;
}

/** A tensor of TensorFlow.js, as far as it is used here. */
export interface TfTensor {
  readonly shape: readonly number[];
  /** Whether it outlives the scope that it was made in. */
  readonly kept: boolean;
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

export interface TfVariable extends TfTensor {
  readonly name: string;
  readonly trainable: boolean;
  assign(value: TfTensor): void;
}

/** The same functions as they are called here. */
export interface Operations extends Pick<TensorFlow, "Optimizer" | "layers" | "initializers" | "serialization"> {
  engine(): {
    readonly registeredVariables: Readonly<Record<string, TfVariable>>;
    readonly state: { readonly activeScope: { readonly track: readonly TfTensor[] } };
  };
  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype: "float32" | "int32"): TfTensor;
  /** What `f` returns; all other tensors that it makes, and are not kept, are disposed of. */
  tidy<T extends TfTensor | undefined>(f: () => T): T;
  keep(x: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  transpose(x: TfTensor): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  zerosLike(x: TfTensor): TfTensor;
  customGrad(f: (...inputs: never[]) => Differentiated): (...inputs: TfTensor[]) => TfTensor;
  variableGrads(
    f: () => TfTensor,
    variables: readonly TfVariable[],
  ): { value: TfTensor; grads: Readonly<Record<string, TfTensor | null>> };
}

/** A value, and what its derivative is passed on as. */
export interface Differentiated {
  readonly value: TfTensor;
  gradFunc(derivative: TfTensor, saved: readonly TfTensor[]): readonly TfTensor[];
}

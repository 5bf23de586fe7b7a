/** What has to be there of jax-js: the module `@jax-js/jax`. */
export interface Jax {
  readonly numpy: { array(...args: never): object; matmul(...args: never): object; zeros(...args: never): object };
  readonly tree: { ref(...args: never): unknown; leaves(...args: never): readonly object[] };
  valueAndGrad(...args: never): unknown;
  makeJaxpr(...args: never): unknown;
}

/** An array of jax-js. Passing it on gives it away; `ref` makes it one's own once more. */
export interface JaxArray {
  readonly shape: readonly number[];
  readonly ref: this;
  dispose(): void;
  /** The numbers; gives the array away. */
  dataSync(): ArrayLike<number>;
  reshape(shape: readonly number[]): this;
  add(other: JaxArray): this;
  transpose(): this;
}

/** Arrays in objects and lists, as deep as one likes. */
export type JaxTree = JaxArray | readonly JaxTree[] | { readonly [key: string]: JaxTree };

/** The factors of a weight U S V^T of low rank, padded with zero columns to the rank that there is room for. */
export interface JaxFactors<A = JaxArray> {
  readonly u: A;
  readonly s: A;
  readonly v: A;
}

/** The same functions as they are called here. */
export interface Operations {
  readonly numpy: {
    array(values: Float32Array): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
  };
  readonly tree: { ref<T>(tree: T): T; dispose(tree: unknown): void; leaves(tree: unknown): readonly JaxArray[] };
  valueAndGrad(
    f: (...args: never[]) => readonly [JaxArray, readonly JaxArray[]],
    options: { readonly hasAux: true; readonly argnums: readonly number[] },
  ): (
    ...args: readonly unknown[]
  ) => readonly [readonly [JaxArray, readonly JaxArray[]], readonly (readonly JaxArray[])[]];
  makeJaxpr(f: (...args: never[]) => unknown): (...args: readonly unknown[]) => { readonly jaxpr: { dispose(): void } };
}

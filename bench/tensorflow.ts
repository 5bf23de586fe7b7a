import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { cpuSeconds, median } from "./counting.ts";

/** What is used of TensorFlow.js, which is not among this package's own dependencies. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  randomNormal(shape: readonly number[], mean?: number, deviation?: number): Values;
  oneHot(of: Values, depth: number): Values;
  randomUniform(shape: readonly number[], from: number, to: number, dtype: string): Values;
  variable(value: Values): Values;
  matMul(a: Values, b: Values, transposeA?: boolean, transposeB?: boolean): Values;
  relu(x: Values): Values;
  add(a: Values, b: Values): Values;
  zeros(shape: readonly number[]): Values;
  mean(x: Values): Values;
  sum(x: Values, axis: number): Values;
  sub(a: Values, b: Values): Values;
  mul(a: Values, b: Values): Values;
  logSumExp(x: Values, axis: number): Values;
  readonly train: { sgd(rate: number): { minimize(f: () => Values, returnCost: boolean): Values | null } };
}
interface Values {
  dispose(): void;
  data(): Promise<Float32Array>;
}

export interface PeerTime {
  /** Of the two large layers; null: dense. */
  readonly rank: number | null;
  /** CPU seconds of a step: median, and the smallest. */
  readonly cpu: number;
  readonly best: number;
}

/** Why there is nothing to compare with. */
export const missingTensorFlow = "TensorFlow.js is not there; install it with: npm ci --prefix test/peers";

/** TensorFlow.js on its WebAssembly backend, as `test/peers` installs it; null where that was not done. */
async function tensorFlow(): Promise<TensorFlow | null> {
  const require = createRequire(join(process.cwd(), "test", "peers", "package.json"));
  const load = async (name: string) => import(pathToFileURL(require.resolve(name)).href);
  try {
    require.resolve("@tensorflow/tfjs-core");
  } catch {
    return null;
  }
  const core = await load("@tensorflow/tfjs-core");
  const tf = (core.default ?? core) as TensorFlow;
  await load("@tensorflow/tfjs-layers"); // registers the gradients of all operations
  const wasm = await load("@tensorflow/tfjs-backend-wasm");
  const folder = dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  (wasm.default ?? wasm).setWasmPaths(`${folder}/`);
  if (!(await tf.setBackend("wasm"))) throw new Error("bench: TensorFlow.js does not start its wasm backend");
  await tf.ready();
  return tf;
}

/**
 * Steps of gradient descent for 784-500-500-10 in batches of 256 in TensorFlow.js, dense and with weights U S V^T of some rank whose factors are
 * all variables: one pass, no change of bases. Null where TensorFlow.js is missing.
 */
export async function tensorFlowTimes(
  steps: number,
  ranks: readonly (number | null)[],
): Promise<readonly PeerTime[] | null> {
  const tf = await tensorFlow();
  if (!tf) return null;
  const [batch, sizes] = [256, [784, 500, 500]];
  const inputs = tf.randomNormal([batch, 784]);
  const wanted = tf.oneHot(tf.randomUniform([batch], 0, 10, "int32"), 10);
  const rows: PeerTime[] = [];
  for (const rank of ranks) {
    const normal = (shape: readonly number[], deviation: number): Values =>
      tf.variable(tf.randomNormal(shape, 0, deviation));
    const layers = sizes.slice(1).map((outputs, k) => {
      const n = sizes[k]!;
      const factors =
        rank === null
          ? [normal([n, outputs], Math.sqrt(2 / n))]
          : [
              normal([n, rank], 1 / Math.sqrt(n)),
              normal([rank, rank], 1),
              normal([rank, outputs], 1 / Math.sqrt(rank)),
            ];
      return { factors, bias: tf.variable(tf.zeros([outputs])) };
    });
    const head = { factors: [normal([500, 10], Math.sqrt(2 / 500))], bias: tf.variable(tf.zeros([10])) };
    const optimizer = tf.train.sgd(0.01);
    const loss = (): Values => {
      const apply = (x: Values, { factors, bias }: typeof head): Values =>
        tf.add(
          factors.reduce((z, w) => tf.matMul(z, w), x),
          bias,
        );
      const z = apply(
        layers.reduce((x, layer) => tf.relu(apply(x, layer)), inputs),
        head,
      );
      return tf.mean(tf.sub(tf.logSumExp(z, 1), tf.sum(tf.mul(wanted, z), 1)));
    };
    const cpu: number[] = [];
    for (let step = 0; step < steps + 2; step++) {
      const begin = cpuSeconds();
      const cost = optimizer.minimize(loss, true)!;
      await cost.data();
      cost.dispose();
      if (step >= 2) cpu.push(cpuSeconds() - begin);
    }
    rows.push({ rank, cpu: median(cpu), best: Math.min(...cpu) });
  }
  return rows;
}

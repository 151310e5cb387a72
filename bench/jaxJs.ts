import * as tf from '@tensorflow/tfjs-core';
import type {Program} from './rows/row.js';

export type Jax = typeof import('@jax-js/jax');
export type JaxArray = InstanceType<Jax['Array']>;
export type JaxTree = JaxArray | readonly JaxTree[] | {readonly [name: string]: JaxTree};

/**
 * A function of jax-js and its arguments. Arrays there are counted: what a function takes it consumes, and `x.ref` is one more of the same.
 */
export interface JaxCall {
  readonly f: (...args: never[]) => JaxTree;
  readonly args: readonly JaxTree[];
}

/** Writes a row's job for jax-js, on copies of its inputs. */
export type JaxJob = (jax: Jax, copy: Copy) => JaxCall;

/** The same numbers as an array of jax-js, or as a tree of them. */
export interface Copy {
  (x: tf.Tensor): JaxArray;
  <T extends Readonly<Record<string, tf.Tensor>>>(tensors: T): {[K in keyof T]: JaxArray};
}

/** jax-js on its WebAssembly backend, in one thread as tfjs's is in Node. */
export async function loadJaxJs(): Promise<Jax> {
  // It asks for a GPU of the navigator, which Node 20 hasn't got.
  if (!('navigator' in globalThis)) Object.assign(globalThis, {navigator: {}});
  const jax = await import('@jax-js/jax');
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  return jax;
}

/** The job as it is and compiled. Each run ends when the results can be read, which copies them. */
export function jaxPrograms(jax: Jax, job: JaxJob): {eager: Program; jit: Program} {
  const copyOne = (x: tf.Tensor): JaxArray =>
    jax.numpy.array(x.dataSync() as Float32Array).reshape(x.shape);
  const copy = ((x: tf.Tensor | Record<string, tf.Tensor>) =>
    x instanceof tf.Tensor
      ? copyOne(x)
      : Object.fromEntries(Object.entries(x).map(([name, each]) => [name, copyOne(each)]))) as Copy;
  const {f, args} = job(jax, copy);
  const program = (label: string, call: (...args: never[]) => JaxTree): Program => {
    const results = (): JaxTree =>
      call(...(args.map((arg) => jax.tree.ref(arg as never)) as never[]));
    return {
      label,
      usesLibrary: true,
      run() {
        for (const leaf of jax.tree.leaves(results() as never)) (leaf as JaxArray).dataSync();
        return {};
      },
      result: () => toTensors(results()),
    };
  };
  return {
    eager: program('jax-js', f),
    jit: program('jax-js, jit', jax.jit(f as never) as unknown as JaxCall['f']),
  };
}

function toTensors(tree: JaxTree): tf.TensorContainer {
  if ('dataSync' in tree) {
    const {shape} = tree as JaxArray;
    return tf.tensor((tree as JaxArray).dataSync() as Float32Array, shape);
  }
  if (Array.isArray(tree)) return tree.map(toTensors);
  return Object.fromEntries(Object.entries(tree).map(([name, each]) => [name, toTensors(each)]));
}

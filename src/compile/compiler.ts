import type {Tensor} from '@tensorflow/tfjs-core';
import type {Graph} from './graph.js';
import {Interpreter} from './interpreter.js';

/** What a compiler makes of a graph: gets a tensor for each input, and gives new tensors of the open scope, one for each output. */
export interface Compiled {
  (inputs: readonly Tensor[]): Tensor[];
  /** Frees what it holds. The graph is its owner's. */
  dispose?(): void;
}

/** Makes a function of a graph. It is called with data only, no traced tensors, and with the shapes and dtypes of the graph's inputs. */
export type Compiler = (graph: Graph) => Compiled;

/**
 * The compiler that compiles nothing: it runs the graph as it is, kernel by kernel. To see graphs, or to compare with.
 *
 * @example
 * const shown: string[] = [];
 * const show: compile.Compiler = (graph) => {
 *   shown.push(...graph.kernels.map(({kernel}) => kernel));
 *   return compile.nop(graph);
 * };
 * const f = compile.aotFunction((x: tf.Tensor) => tf.sum(tf.square(x)), {fwCompiler: show});
 * grad(f)(tf.tensor1d([1, 2]))  // => [2, 4]
 * shown  // => ["Square", "Sum", "Multiply", "Multiply"]
 * f.dispose();
 */
export const nop: Compiler = (graph) => {
  const interpreter = new Interpreter(graph);
  return (inputs) => interpreter.run(inputs);
};

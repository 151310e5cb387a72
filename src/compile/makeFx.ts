import {assertAlive, assertFunction} from '../transforms/arguments.js';
import type {AnyRank} from '../types.js';
import {capture} from './capture.js';
import {graphFunction, type GraphFunction} from './graphFunction.js';

/**
 * Captures what a function computes as a graph of kernel calls, by running it on example arguments. What transforms inside make of the
 * function is captured too: `makeFx(vmap(grad(f)))(xs)` is the graph of per-example gradients.
 *
 * The graph holds for the structure, shapes, dtypes and non-tensor values of these arguments. Tensors that the function holds in closures
 * and what is computed from them alone become constants; `tf.Variable`s are read anew in each call. A custom gradient (`tf.customGrad`,
 * `customVjp`) serves transforms inside `f`; of the graph's own derivative it is no part.
 *
 * @param f  a function of tensors, trees of them (arrays, plain objects) and any other values; its outputs are tensors or trees of them
 * @returns  a function of arguments like those that `f` is to be called with, which gives the graph as a `GraphFunction`: to be called itself, in
 *   transforms too, shown (`code`), written (`toJSON`), rewritten (`apply(optimize)`). Its constants live until its `dispose()`
 * @throws TransformError `value-read` (the function read a value), `randomness`, `side-effect` (it assigned or made a variable),
 *   `value-dependent-shape`, `non-tensor-output`, `async-function`, `disposed-tensor`
 * @see https://pytorch.org/functorch/stable/aot_autograd.html for `make_fx`, whose semantics these are, in its mode "real"
 * @example
 * const slope = makeFx(grad((x: tf.Tensor) => tf.sum(tf.square(x))))(tf.tensor1d([1, 2]));
 * slope(tf.tensor1d([3, 4]))  // => [6, 8]
 * vmap(slope)(tf.tensor2d([[1, 0], [0, 5]]))  // => [[2, 0], [0, 10]]
 */
export function makeFx<A extends unknown[], R>(
  f: (...args: A) => R,
): (...args: AnyRank<A>) => GraphFunction<A, R> {
  assertFunction(f, 'makeFx');
  return (...args) => {
    assertAlive(args, 'makeFx');
    const {graph, inputs, outputs} = capture(f as never, args, 'makeFx');
    return graphFunction<A, R>(graph, inputs, outputs);
  };
}

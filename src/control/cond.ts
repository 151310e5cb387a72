import {assertAlive, assertFunction, callSync} from '../transforms/arguments.js';
import {readChoice, type Predicate} from './predicate.js';
import {assertTensors, matched, step} from './trees.js';

/**
 * One of two functions, chosen by a value: `pred ? trueFn(...operands) : falseFn(...operands)`.
 *
 * Where `pred` is one value, it is read and one function runs. Where it differs between the examples of a `vmap`, both run and the result is
 * chosen for each example (a function that no example wants does not run): values and derivatives of the other one do not leak, be they
 * NaN or infinite. Pass tensors that a function computes with as operands: for reverse mode that is only true of these.
 *
 * @param pred  a boolean or a scalar tensor (of another dtype than bool it counts as true unless it is zero)
 * @param trueFn  gets the operands; gives a tensor or a tree of them
 * @param falseFn  the same. Where both run, they must agree in structure, shapes and dtypes
 * @param operands  tensors, trees of them, and any other values
 * @returns  new tensors, as the function gave them
 * @throws TransformError `invalid-argument` (the predicate is no scalar), `tree-mismatch` (the functions' results differ), `non-tensor-output`,
 *   `not-a-function`, `async-function`, `disposed-tensor`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.lax.cond.html whose semantics these are
 * @example
 * const root = (x: tf.Tensor) => cond(tf.greater(x, 0), tf.sqrt<tf.Tensor>, tf.zerosLike<tf.Tensor>, x);
 * root(tf.scalar(4))  // => 2
 * vmap(grad(root))(tf.tensor1d([4, 0, -1]))  // => [0.25, 0, 0]
 */
export function cond<A extends unknown[], R>(
  pred: Predicate,
  trueFn: (...operands: A) => R,
  falseFn: (...operands: A) => R,
  ...operands: A
): R {
  assertFunction(trueFn, 'cond');
  assertFunction(falseFn, 'cond');
  assertAlive(operands, 'cond');
  const call = (f: (...args: A) => R, name: string, args: A): R => {
    const output = callSync(f, args, 'cond');
    assertTensors(output, 'cond', `the output of ${name}`);
    return output;
  };
  const whenTrue = (...args: A): R => call(trueFn, 'trueFn', args);
  const whenFalse = (...args: A): R => call(falseFn, 'falseFn', args);
  return step('cond', () => {
    const chosen = readChoice(pred, 'cond', 'the predicate');
    if (typeof chosen === 'boolean') return (chosen ? whenTrue : whenFalse)(...operands);
    if (!chosen.some) return whenFalse(...operands);
    const output = chosen.call(whenTrue, operands);
    if (chosen.all) return output;
    const other = chosen.others().call(whenFalse, operands);
    return chosen.choose(
      output,
      matched(output, other, {
        transform: 'cond',
        noun: 'output',
        expected: 'of trueFn is',
        actual: 'but that of falseFn is',
        rule:
          'The predicate differs between examples of vmap, so both functions run: they must give the same structure, shapes and dtypes ' +
          '(tf.cast, tf.reshape, tf.zerosLike).',
      }),
    );
  });
}

import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {scalar} from '../rules/ops.js';
import {tensorsOf, withTensors} from '../tree.js';
import type {Argnums, Gradient, Selected} from '../types.js';
import {assertAlive, assertFunction, resolveArgnums} from './arguments.js';
import {linearizeAt, type AuxOption} from './vjp.js';

export interface GradOptions<N extends Argnums, HasAux extends boolean> extends AuxOption<HasAux> {
  /** The argument to differentiate with respect to, by position, or a list of them; negative ones count from the end. Default 0. */
  readonly argnums?: N;
}

/**
 * The gradient of a scalar function, by reverse mode: `grad(f)(x)[i] = ∂f(x) / ∂x[i]`.
 *
 * Composes with itself and with every other transform: `grad(grad(f))`, `vmap(grad(f))` for per-example gradients.
 *
 * With respect to a complex argument z = x + iy it is ∂f/∂x + i·∂f/∂y (PyTorch's convention: the direction of steepest ascent).
 *
 * @param f  returns a real scalar (with `hasAux`: `[scalar, aux]`); arguments that are not differentiated may be anything
 * @returns  a function of the same arguments that gives a tensor for each tensor of the chosen argument, of the same shape and in the same
 *   structure (a list of them where `argnums` is a list); with `hasAux` `[gradient, aux]`. An argument that `f` ignores gets zeros.
 * @throws TransformError `non-scalar-output`, `non-tensor-output`, `non-float-input`, `no-tensors`, `no-reverse-rule`, `invalid-argument`,
 *   `async-function`, `disposed-tensor`, `escaped-tracer`
 * @example
 * grad((x: tf.Tensor) => tf.square(x).sum())(tf.tensor1d([1, 2]))  // => [2, 4]
 * grad(grad(tf.sin))(tf.scalar(Math.PI / 2))  // => -1
 */
export function grad<A extends unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options?: GradOptions<N, false>,
): (...args: A) => Gradient<Selected<A, N>>;
export function grad<A extends unknown[], Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: GradOptions<N, true> & {readonly hasAux: true},
): (...args: A) => [gradient: Gradient<Selected<A, N>>, aux: Aux];
export function grad(
  f: (...args: never[]) => unknown,
  options: GradOptions<Argnums, boolean> = {},
): (...args: unknown[]) => unknown {
  assertFunction(f, 'grad');
  return (...args) => {
    const {gradient, value, aux} = gradientOf('grad', f as never, args, options);
    value.dispose();
    return options.hasAux ? [gradient, aux] : gradient;
  };
}

/**
 * The gradient of a scalar function together with its value, from one evaluation. Otherwise as `grad`.
 *
 * @returns  a function that gives `[gradient, value]`, with `hasAux` `[gradient, [value, aux]]` (functorch's order)
 * @example
 * gradAndValue((x: tf.Tensor) => tf.square(x).sum())(tf.tensor1d([1, 2]))  // => [[2, 4], 5]
 */
export function gradAndValue<A extends unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options?: GradOptions<N, false>,
): (...args: A) => [gradient: Gradient<Selected<A, N>>, value: Tensor];
export function gradAndValue<A extends unknown[], Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: GradOptions<N, true> & {readonly hasAux: true},
): (...args: A) => [gradient: Gradient<Selected<A, N>>, valueAndAux: [value: Tensor, aux: Aux]];
export function gradAndValue(
  f: (...args: never[]) => unknown,
  options: GradOptions<Argnums, boolean> = {},
): (...args: unknown[]) => unknown {
  assertFunction(f, 'gradAndValue');
  return (...args) => {
    const {gradient, value, aux} = gradientOf('gradAndValue', f as never, args, options);
    return [gradient, options.hasAux ? [value, aux] : value];
  };
}

function gradientOf(
  transform: string,
  f: (...args: unknown[]) => unknown,
  args: readonly unknown[],
  {argnums = 0, hasAux = false}: GradOptions<Argnums, boolean>,
): {gradient: unknown; value: Tensor; aux: unknown} {
  assertAlive(args, transform);
  const positions = resolveArgnums(argnums, args.length, transform);
  const differentiated = positions.map((position) => args[position]);
  return scoped(transform, (results) => {
    const {output, aux, linear} = linearizeAt(
      transform,
      (...chosen) => f(...withArguments(args, positions, chosen)),
      differentiated,
      hasAux,
      (outputs, returned) => assertScalar(outputs, returned, transform),
      positions,
    );
    try {
      const value = output as Tensor;
      const gradients = linear.pullBack([scalar(1)], true);
      results.push(value, ...gradients, ...tensorsOf(aux));
      const chosen = withTensors(differentiated, gradients);
      return {gradient: typeof argnums === 'number' ? chosen[0] : chosen, value, aux};
    } finally {
      linear.free();
    }
  });
}

/** The arguments with some of them replaced. */
export function withArguments(
  args: readonly unknown[],
  positions: readonly number[],
  chosen: readonly unknown[],
): unknown[] {
  const all = [...args];
  positions.forEach((position, index) => {
    all[position] = chosen[index];
  });
  return all;
}

function assertScalar(outputs: Tensor[], returned: unknown, transform: string): void {
  const [value] = outputs;
  const isTensor = value !== undefined && value === returned;
  if (isTensor && value.rank === 0 && value.dtype === 'float32') return;
  const wayOut = !isTensor
    ? `Return the loss alone, and other values with hasAux: true as [loss, aux].`
    : value.dtype === 'complex64'
      ? `A complex number has none: return a real one (tf.real, tf.imag, tf.abs), or use vjp or jvp.`
      : value.rank === 0
        ? `Cast it (tf.cast(y, 'float32')).`
        : `Reduce it (tf.sum, tf.mean), or use jacrev for the whole Jacobian.`;
  throw new TransformError(
    `the function returned ${describe(returned)}, but a gradient needs a float scalar. ${wayOut}`,
    {code: 'non-scalar-output', transform},
  );
}

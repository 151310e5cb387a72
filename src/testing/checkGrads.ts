import {tensor, type Tensor} from '@tensorflow/tfjs-core';
import {TransformError, showShape} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {tensorsOf, withTensors} from '../tree.js';
import {
  assertAlive,
  assertFunction,
  callSync,
  differentiableTensors,
  isFloat,
  outputTensors,
} from '../transforms/arguments.js';
import {jvp} from '../transforms/jvp.js';
import {vjp} from '../transforms/vjp.js';

/** Forward mode (`jvp`) or reverse mode (`vjp`). */
export type DerivativeMode = 'forward' | 'reverse';

export interface CheckGradsOptions {
  /** Derivatives up to this order are checked, by all chains of the modes. Default 2. */
  readonly order?: number;
  /** Default both. */
  readonly modes?: readonly DerivativeMode[];
  /** Step of the differences, in units of the arguments. Default 1e-2: a central difference of fourth order is then good to some 1e-5. */
  readonly epsilon?: number;
  /** How far a derivative may be from its difference quotient, relative to the larger of 1 and its magnitude. Default 2e-3. */
  readonly tolerance?: number;
  /** Other directions. Default 0. */
  readonly seed?: number;
}

/**
 * Checks the derivatives of a function against central differences, in random directions, in forward and in reverse mode, to second order:
 * for rules of your own (`customVjp`, `tf.customGrad`, kernels). The point should be away from kinks, by more than two steps.
 *
 * @param f  a function of float tensors or trees of them
 * @param args  the point, as an array of arguments
 * @returns  a promise that resolves where all agree (values are read asynchronously, so it works on every backend)
 * @throws TransformError `gradient-mismatch`, which names the chain of modes and the output; and as `jvp` and `vjp`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.test_util.check_grads.html
 * @example (await checkGrads((x: tf.Tensor) => tf.sin(tf.square(x)), [tf.tensor1d([0.5, 1])])) ?? 'right'  // => 'right'
 */
export async function checkGrads<A extends unknown[]>(
  f: (...args: A) => unknown,
  args: readonly [...A],
  {
    order = 2,
    modes = ['forward', 'reverse'],
    epsilon = 1e-2,
    tolerance = 2e-3,
    seed = 0,
  }: CheckGradsOptions = {},
): Promise<void> {
  assertFunction(f, 'checkGrads');
  for (const [name, value] of Object.entries({order, epsilon, tolerance})) {
    if (value > 0) continue;
    throw new TransformError(`${name} must be positive, but is ${String(value)}.`, {
      code: 'invalid-argument',
      transform: 'checkGrads',
    });
  }
  assertAlive(args, 'checkGrads');
  const inputs = differentiableTensors(args, 'checkGrads');
  const point = await Promise.all(inputs.map(toHost));
  const onTensors: TensorFunction = (xs) => {
    const call = f as (...all: unknown[]) => unknown;
    const output = callSync(call, withTensors([...args], xs), 'checkGrads');
    return outputTensors(output, 'checkGrads').filter(isFloat);
  };
  const checker = new Checker(modes, epsilon, tolerance, seed);
  await checker.check(onTensors, point, order, []);
}

type TensorFunction = (xs: Tensor[]) => Tensor[];

/** A float32 tensor's numbers, away from the backend. */
interface HostTensor {
  readonly shape: number[];
  readonly values: Float32Array | Float64Array;
}

const toHost = async (x: Tensor): Promise<HostTensor> => ({
  shape: x.shape,
  values: await x.data<'float32'>(),
});

const toTensor = ({shape, values}: HostTensor): Tensor =>
  tensor(Float32Array.from(values), shape, 'float32');

/** A function of host tensors. */
async function evaluate(f: TensorFunction, xs: readonly HostTensor[]): Promise<HostTensor[]> {
  const outputs = scoped('checkGrads', (results) => {
    results.push(...f(xs.map(toTensor)));
    return [...results];
  });
  try {
    return await Promise.all(outputs.map(toHost));
  } finally {
    for (const output of outputs) output.dispose();
  }
}

class Checker {
  constructor(
    private readonly modes: readonly DerivativeMode[],
    private readonly epsilon: number,
    private readonly tolerance: number,
    private state: number,
  ) {}

  /** @param chain  the derivatives that `f` itself consists of, the first one taken first */
  async check(
    f: TensorFunction,
    xs: readonly HostTensor[],
    order: number,
    chain: readonly DerivativeMode[],
  ): Promise<void> {
    const u = xs.map((x) => this.randomLike(x));
    const expected = await this.difference(f, xs, u);
    const ct = expected.map((y) => this.randomLike(y));
    const derivative: Record<DerivativeMode, TensorFunction> = {
      forward: (at) => tensorsOf(jvp((...ys: Tensor[]) => f(ys), at, u.map(toTensor))[1]),
      reverse: (at) => {
        const [, pullback] = vjp((...ys: Tensor[]) => f(ys), at);
        const cotangents = pullback(ct.map(toTensor));
        pullback.dispose();
        return cotangents;
      },
    };
    for (const mode of this.modes) {
      const here = [...chain, mode];
      const actual = await evaluate(derivative[mode], xs);
      if (mode === 'forward') this.compareEach(actual, expected, here);
      else this.compareProducts(actual, u, ct, expected, here);
      if (order > 1) await this.check(derivative[mode], xs, order - 1, here);
    }
  }

  /** Df(x)[u] by a central difference of fourth order. */
  private async difference(
    f: TensorFunction,
    xs: readonly HostTensor[],
    u: readonly HostTensor[],
  ): Promise<HostTensor[]> {
    const h = this.epsilon;
    const at = (step: number): Promise<HostTensor[]> => evaluate(f, moved(xs, u, step));
    const [ahead, behind, far, farBehind] = await Promise.all([
      at(h),
      at(-h),
      at(2 * h),
      at(-2 * h),
    ]);
    return ahead.map(({shape, values}, output) => ({
      shape,
      values: Float64Array.from(values, (value, i) => {
        const near = value - behind[output]!.values[i]!;
        return (8 * near - (far[output]!.values[i]! - farBehind[output]!.values[i]!)) / (12 * h);
      }),
    }));
  }

  private compareEach(
    actual: readonly HostTensor[],
    expected: readonly HostTensor[],
    chain: readonly DerivativeMode[],
  ): void {
    expected.forEach(({shape, values}, output) =>
      values.forEach((wanted, i) => {
        const got = actual[output]!.values[i]!;
        if (Math.abs(got - wanted) <= this.tolerance * Math.max(1, Math.abs(wanted))) return;
        throw mismatch(
          chain,
          `element ${i} of output ${output} (${showShape(shape)}) has derivative ${got}, its difference quotient is ${wanted}`,
        );
      }),
    );
  }

  /** ⟨Jᵀ·ct, u⟩ = ⟨ct, J·u⟩. */
  private compareProducts(
    cotangents: readonly HostTensor[],
    u: readonly HostTensor[],
    ct: readonly HostTensor[],
    tangents: readonly HostTensor[],
    chain: readonly DerivativeMode[],
  ): void {
    const [got, wanted] = [dot(cotangents, u), dot(ct, tangents)];
    if (Math.abs(got.sum - wanted.sum) <= this.tolerance * Math.max(1, wanted.scale)) return;
    throw mismatch(
      chain,
      `the product of the cotangents with a direction is ${got.sum}, that of the difference quotients with the same cotangents ${wanted.sum}`,
    );
  }

  /** Numbers of both signs away from zero, the same on every machine (Park and Miller's generator). */
  private randomLike({shape, values}: HostTensor): HostTensor {
    const drawn = Float32Array.from(values, () => {
      this.state = (((this.state % 2147483646) + 1) * 48271) % 2147483647;
      const uniform = this.state / 2147483647;
      return uniform < 0.5 ? -0.3 - 1.4 * uniform : 1.7 - 1.4 * uniform;
    });
    return {shape, values: drawn};
  }
}

const moved = (xs: readonly HostTensor[], u: readonly HostTensor[], step: number): HostTensor[] =>
  xs.map(({shape, values}, input) => ({
    shape,
    values: Float64Array.from(values, (value, i) => value + step * u[input]!.values[i]!),
  }));

function dot(a: readonly HostTensor[], b: readonly HostTensor[]): {sum: number; scale: number} {
  let [sum, scale] = [0, 0];
  a.forEach(({values}, index) =>
    values.forEach((value, i) => {
      const term = value * b[index]!.values[i]!;
      sum += term;
      scale += Math.abs(term);
    }),
  );
  return {sum, scale};
}

const mismatch = (chain: readonly DerivativeMode[], message: string): TransformError =>
  new TransformError(
    `in ${chain.join(' over ')} mode ${message}. Look at the derivative rules of the function; near a kink choose another point or a ` +
      `smaller epsilon.`,
    {code: 'gradient-mismatch', transform: 'checkGrads'},
  );

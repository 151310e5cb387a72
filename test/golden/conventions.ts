import {
  abs, add, ceil, clipByValue, elu, floor, greater, leakyRelu, max, maxPool, maximum, min, minimum, mod, mul, onesLike, pow,
  relu, relu6, round, selu, sign, sin, sqrt, sum, topk, where, zerosLike, type Tensor, type Tensor4D,
} from '@tensorflow/tfjs-core';
import {grad, jacfwd, vmap} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

/** By reverse and by forward mode, which must take the same side of a kink. */
const bothModes = (f: (x: Tensor) => Tensor, options: Parameters<typeof program>[1] = {}): Program =>
  program<{x: Tensor}>(({x}) => [vmap(grad(f))(x), vmap(jacfwd(f))(x)], options);

export const conventions: Programs = {
  'kink/abs at 0': bothModes((x) => abs(x), {follows: 'torch'}),
  'kink/relu at 0': bothModes((x) => relu(x)),
  'kink/relu6 at 0 and 6': bothModes((x) => relu6(x)),
  'kink/elu at 0': bothModes((x) => elu(x)),
  'kink/selu at 0': bothModes((x) => selu(x)),
  'kink/leaky relu at 0': bothModes((x) => leakyRelu(x, 0.25), {follows: 'torch'}),
  'kink/clip at its bounds': bothModes((x) => clipByValue(x, -1, 1), {follows: 'torch'}),
  'kink/maximum(x, 0) at 0': bothModes((x) => maximum(x, zerosLike(x))),
  'kink/maximum(x, x)': bothModes((x) => maximum(x, x)),
  'kink/minimum(x, x²) where they meet': bothModes((x) => minimum(x, mul(x, x))),
  'kink/sign and step': bothModes((x) => mul(sign(x), x)),
  'kink/floor, ceiling and round': bothModes((x) => add(add(floor(x), ceil(x)), round(x))),
  'kink/remainder at a multiple': bothModes((x) => mod(x, 0.5)),
  'kink/square root at 0': bothModes((x) => sqrt(x)),
  'kink/x² and x³ at 0': bothModes((x) => add(pow(x, 2), pow(x, 3))),
  'kink/power with exponent 0': bothModes((x) => pow(x, zerosLike(x)), {follows: 'torch'}),
  'kink/norm at the origin': bothModes((x) => sqrt(sum(mul(x, x)))),

  'tie/max of equal values': bothModes((x) => max(x)),

  'tie/min along an axis': program<{x: Tensor; ct: Tensor}>(({x, ct}) =>
    grad((a: Tensor) => sum(mul(min(a, 1), ct)))(x),
  ),

  'tie/max pooling': program<{x: Tensor4D}>(({x}) => grad((a: Tensor4D) => sum(maxPool(a, 2, 2, 'valid')))(x)),

  'tie/largest values': program<{x: Tensor}>(({x}) => grad((a: Tensor) => sum(mul(topk(a, 2).values, [1, 2])))(x)),

  'indicator/gradient through a mask is zero': program<{x: Tensor}>(({x}) =>
    vmap(grad((a: Tensor) => mul(where(greater(a, 0), onesLike(a), zerosLike(a)), a)))(x),
  ),

  'unused/an argument without influence has gradient zero': program<{x: Tensor; y: Tensor}>(({x, y}) => {
    const f = (a: Tensor, _unused: Tensor) => sum(sin(a));
    return grad(f, {argnums: [0, 1]})(x, y);
  }),
};

import type {CastAttrs, GradConfig, Tensor} from '@tensorflow/tfjs-core';
import {runBroadcasting} from '../rules/broadcast.js';
import {unbroadcast} from '../rules/dims.js';
import {isInexact} from '../rules/elementwise.js';
import {masked} from '../rules/mask.js';
import {cast, div, mul, neg, zeros} from '../rules/ops.js';

/**
 * Gradients for tfjs's own tape alone, where what a tfjs program gets must stay as it was though our transforms do otherwise. tfjs takes
 * gradients with respect to integers, as if they were real numbers; what rounds real numbers has slope 0 here too.
 */
export const gradientsAsInStock: readonly GradConfig[] = [
  tiesToFirst('Maximum', 'GreaterEqual', 'Less'),
  tiesToFirst('Minimum', 'LessEqual', 'Greater'),
  {
    kernelName: 'Cast',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () =>
        isInexact(x!.dtype) && !isInexact((attrs as unknown as CastAttrs).dtype)
          ? zeros(x!.shape)
          : cast(dy as Tensor, x!.dtype === 'complex64' ? 'complex64' : 'float32'),
    }),
  },
  {
    kernelName: 'FloorDiv',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) =>
      isInexact(a!.dtype) || isInexact(b!.dtype)
        ? {a: () => zeros(a!.shape), b: () => zeros(b!.shape)}
        : quotient(dy as Tensor, cast(a!, 'float32'), cast(b!, 'float32')),
  },
];

/**
 * The gradients of Maximum and Minimum for tfjs's own tape. Stock ones throw where the inputs broadcast. Where both are equal they
 * give everything to `a`, whereas our transforms give half to each, as JAX and PyTorch do: what a tfjs program gets stays as it was.
 */
function tiesToFirst(
  kernelName: 'Maximum' | 'Minimum',
  takesA: 'GreaterEqual' | 'LessEqual',
  takesB: 'Less' | 'Greater',
): GradConfig {
  return {
    kernelName,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [Tensor, Tensor];
      const where = (takes: typeof takesA | typeof takesB): Tensor =>
        masked(runBroadcasting(takes, a, b), dy as Tensor);
      return {
        a: () => unbroadcast(where(takesA), a.shape),
        b: () => unbroadcast(where(takesB), b.shape),
      };
    },
  };
}

/** The gradient of a division. */
const quotient = (dy: Tensor, a: Tensor, b: Tensor): Record<'a' | 'b', () => Tensor> => ({
  a: () => unbroadcast(div(dy, b), a.shape),
  b: () => unbroadcast(neg(mul(dy, div(div(a, b), b))), b.shape),
});

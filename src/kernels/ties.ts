import type {GradConfig, Tensor} from '@tensorflow/tfjs-core';
import {runBroadcasting} from '../rules/broadcast.js';
import {unbroadcast} from '../rules/dims.js';
import {masked} from '../rules/mask.js';

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

export const gradientsWithTies: readonly GradConfig[] = [
  tiesToFirst('Maximum', 'GreaterEqual', 'Less'),
  tiesToFirst('Minimum', 'LessEqual', 'Greater'),
];

import * as tf from '@tensorflow/tfjs-core';
import {BatchingLevel} from '../../src/transforms/batching.js';
import {enter} from '../../src/transforms/reverse.js';

interface Gradients {
  readonly value: tf.Tensor;
  readonly grads: (tf.Tensor | undefined)[];
}

type GradientsMethod = (...args: unknown[]) => Gradients;

/**
 * Sends `tf.grad`, `tf.variableGrads`, `optimizer.minimize` through this library's reverse mode, as all of them are while a transform
 * runs: a vmap of one example, which maps nothing, runs around each.
 */
export function routeGradients(): void {
  const prototype = Object.getPrototypeOf(tf.engine()) as {gradients: GradientsMethod};
  const {gradients} = prototype;
  prototype.gradients = function (this: unknown, ...args) {
    const engine = tf.engine() as unknown as {gradients: GradientsMethod};
    if (this !== engine) return gradients.apply(this, args);
    let result: Gradients | undefined;
    enter(new BatchingLevel(1, 'same'), () => {
      result = engine.gradients(...args);
      return [result.value, ...result.grads.filter((grad) => grad !== undefined)];
    });
    return result!;
  };
}

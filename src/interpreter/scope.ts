import type {Tensor, TensorContainer} from '@tensorflow/tfjs-core';
import {engine} from './engine.js';

/**
 * Runs `body` in a tidy scope of its own. Unlike tf.tidy it takes the tensors that survive from `results`, which `body` fills, so that
 * they may come with other values, and none of them is lost when it throws.
 */
export function scoped<T>(name: string, body: (results: Tensor[]) => T): T {
  const results: Tensor[] = [];
  let survivors: TensorContainer = [];
  engine.startScope(name);
  try {
    const value = body(results);
    survivors = results;
    return value;
  } finally {
    engine.endScope(survivors);
  }
}

// The bundler makes these of tfjs's modules, with `Float64Array` for every `Float32Array`.
import '@tensorflow/tfjs-backend-cpu?float64';
// @ts-expect-error: only the bundler knows it
import * as core from '@tensorflow/tfjs-core?float64';
import type * as tf from '@tensorflow/tfjs-core';

/** In the place of test/support/tfjs64.ts, in the browser. */
export function loadTfjs64(): typeof tf {
  const tf64 = core as typeof tf;
  tf64.env().set('PROD', true);
  return tf64;
}

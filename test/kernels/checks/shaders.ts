import * as tf from '@tensorflow/tfjs-core';
import type {Compared, Sample} from '../sample.js';

/**
 * How far functions of shaders may be off, in absolute terms: the accuracy that WGSL promises, which is what SwiftShader gives on WebGL
 * too. Sine and cosine are good for 2^-11 between -π and π, the inverse functions for 6.77e-5; the tangent is a quotient of the first
 * two, and its samples reach 4.
 */
const errors: Readonly<Record<string, number>> = {
  Sin: 2 ** -11,
  Cos: 2 ** -11,
  Tan: 2 ** -7,
  Asin: 6.77e-5,
  Acos: 6.77e-5,
};

/** Derivatives of these functions are made of them: the first of one term, the second of several. */
const terms: {readonly [C in Compared]: number} = {
  primal: 1,
  batching: 0,
  derivative: 1,
  second: 4,
};

/** What this backend's accuracy adds to an absolute tolerance. A batch is computed by the same function: it agrees to the last digits. */
export const shaderError = ({kernel}: Sample, compared: Compared): number =>
  tf.getBackend().startsWith('webg') ? (errors[kernel] ?? 0) * terms[compared] : 0;

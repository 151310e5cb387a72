import type {Tensor} from '@tensorflow/tfjs-core';
import {run} from './rule.js';

/** The parts of complex numbers, and complex numbers of parts, as kernels. */
export const real = (z: Tensor): Tensor => run('Real', {input: z});
export const imag = (z: Tensor): Tensor => run('Imag', {input: z});
export const complex = (re: Tensor, im: Tensor): Tensor => run('Complex', {real: re, imag: im});

export const isComplex = ({dtype}: {readonly dtype: string}): boolean => dtype === 'complex64';

/** The conjugate; a real tensor is its own. */
const conj = (z: Tensor): Tensor => (isComplex(z) ? complex(real(z), run('Neg', {x: imag(z)})) : z);

/**
 * NOTE [complex]
 * Gradients follow PyTorch: for a real loss L and z = x + iy the cotangent of z is ∂L/∂x + i·∂L/∂y. The dot product that forward and reverse
 * mode agree in is Re(conj(ct)·t), summed. A function that is holomorphic, and that rules know by its derivative f'(z), has the tangent f'(z)·t and
 * the cotangent conj(f'(z))·dy = conj(f'(z)·conj(dy)): the same formula serves both, between two conjugates. Functions that treat both parts
 * alike, such as sums and slices, are transposed as real ones are.
 */

/** A formula that multiplies by a derivative, as a cotangent: by its conjugate. See NOTE [complex]. */
export const conjugating = (times: (t: Tensor) => Tensor, dy: Tensor): Tensor =>
  isComplex(dy) ? conj(times(conj(dy))) : times(dy);

/**
 * A tangent or cotangent with the dtype of what it belongs to: where a real tensor met a complex one, its cotangent is the real part of
 * what comes back, and its tangent has no imaginary part.
 */
export function matching(t: Tensor, {dtype}: {readonly dtype: string}): Tensor {
  if (isComplex(t) && dtype === 'float32') return real(t);
  return dtype === 'complex64' && !isComplex(t) ? run('Cast', {x: t}, {dtype: 'complex64'}) : t;
}

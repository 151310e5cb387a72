import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {grad, hessian, jvp, vjp, vmap} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

interface Parts {
  readonly x: Tensor;
  readonly y: Tensor;
}

const number = (re: number, im: number): Tensor => tf.complex(re, im);

/** Real and imaginary parts, for golden values are real. */
const split = (z: Tensor): Tensor[] => [tf.real(z), tf.imag(z)];

const absolute = (z: Tensor): Tensor => tf.sum(tf.abs(z));

/** Gradient of a real loss, and its derivative along (1 + 2i)·z. */
const gradient = (loss: (z: Tensor) => Tensor): Program =>
  program<Parts>(({x, y}) => {
    const z = tf.complex(x, y);
    const [g, along] = jvp(grad(loss), [z], [tf.mul(z, number(1, 2))]);
    return [split(g), split(along)];
  }, 'torch');

type Holomorphic = (z: Tensor, w: Tensor) => Tensor;

interface TwoParts extends Parts {
  readonly u: Tensor;
  readonly v: Tensor;
}

const pullback = (f: Holomorphic): Program =>
  program<TwoParts>(({x, y, u, v}) => {
    const [out, pull] = vjp(f, [tf.complex(x, y), tf.complex(u, v)]);
    return [out, ...pull(tf.mul(out, number(0.5, -1)))].map(split);
  }, 'torch');

const tangent = (f: Holomorphic): Program =>
  program<TwoParts>(({x, y, u, v}) => {
    const [z, w] = [tf.complex(x, y), tf.complex(u, v)];
    return jvp(f, [z, w], [tf.mul(z, number(0, 1)), tf.mul(w, number(2, -1))]).map(split);
  });

const holomorphic = (name: string, f: Holomorphic): Programs => ({
  [`pullback/${name}`]: pullback(f),
  [`tangent/${name}`]: tangent(f),
});

export const complexNumbers: Programs = {
  'gradient/squared magnitude': gradient((z) =>
    tf.sum(tf.add(tf.square(tf.real(z)), tf.mul(3, tf.square(tf.imag(z))))),
  ),
  'gradient/magnitude': gradient(absolute),
  'gradient/real part of a polynomial': gradient((z) =>
    tf.sum(tf.real(tf.mul(tf.mul(tf.mul(number(2, -1), z), z), z))),
  ),
  'gradient/imaginary part of a quotient': gradient((z) =>
    tf.sum(tf.imag(tf.div(number(1, 2), z))),
  ),
  'gradient/magnitude of a product': gradient((z) => absolute(tf.add(tf.mul(z, z), z))),
  'gradient/spectrum': gradient((z) => tf.sum(tf.log1p(tf.square(tf.abs(tf.fft(z)))))),
  'gradient/inverse transform': gradient((z) => absolute(tf.ifft(tf.mul(z, z)))),
  'gradient/matrix product': gradient((z) => absolute(tf.matMul(z, tf.transpose(z)))),
  'gradient/sum of a broadcast product': gradient((z) =>
    tf.abs(tf.sum(tf.mul(tf.expandDims(z, 1), tf.mul(tf.expandDims(z, 0), tf.expandDims(z, 0))))),
  ),

  ...holomorphic('product', (z, w) => tf.mul(z, w)),
  ...holomorphic('quotient', (z, w) => tf.div(z, w)),
  ...holomorphic('outer sum', (z, w) =>
    tf.sub(tf.mul(number(2, -1), tf.expandDims(z, 1)), tf.mul(number(0, 1), tf.expandDims(w, 0))),
  ),
  ...holomorphic('matrix product', (z, w) => tf.matMul(z, w)),
  ...holomorphic('einsum', (z, w) => tf.einsum('ij,jk->ki', z, w)),
  ...holomorphic('Fourier transform of a product', (z, w) => tf.fft(tf.mul(z, w))),
  ...holomorphic('inverse Fourier transform', (z, w) => tf.ifft(tf.sub(z, w))),

  'real/hessian of a spectral loss': program<{x: Tensor; target: Tensor}>(({x, target}) => {
    const loss = (signal: Tensor) => {
      const spectrum = tf.fft(tf.complex(signal, tf.zerosLike(signal)));
      return tf.sum(tf.square(tf.sub(tf.abs(spectrum), target)));
    };
    return [grad(loss)(x), hessian(loss)(x)];
  }),

  'real/a real factor has a real gradient': program<Parts & {s: Tensor}>(({s, x, y}) => {
    const z = tf.complex(x, y);
    const loss = (factor: Tensor) => tf.sum(tf.mul(tf.real(tf.mul(tf.mul(z, z), factor)), factor));
    return grad(loss)(s);
  }),

  'real/per-example gradients of a spectral loss': program<{x: Tensor}>(({x}) => {
    const loss = (signal: Tensor) => {
      const spectrum = tf.fft(tf.complex(signal, tf.square(signal)));
      return tf.sum(tf.log1p(tf.abs(spectrum)));
    };
    return vmap(grad(loss))(x);
  }),
};

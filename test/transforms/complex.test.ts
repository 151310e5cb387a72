import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {grad, hessian, jacfwd, jacrev, jvp, vjp, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectClose} from '../support/compare.js';
import {fromTensor, host, type HostTensor} from '../support/host.js';

const tolerance = {relative: 1e-5, absolute: 1e-5};

/** Complex numbers with the given real and imaginary parts side by side. */
const complex = (shape: number[], ...parts: number[]): Tensor =>
  tf.tidy(() =>
    tf.complex(
      tf.tensor(
        parts.filter((_, i) => i % 2 === 0),
        shape,
      ),
      tf.tensor(
        parts.filter((_, i) => i % 2 === 1),
        shape,
      ),
    ),
  );

const expected = (shape: number[], ...parts: number[]): HostTensor =>
  host(shape, 'complex64', parts);

/** Runs in a tidy scope and says how many tensors and buffers were left behind. */
function growth(f: () => void): number[] {
  const before = tf.memory();
  f();
  const after = tf.memory();
  return [after.numTensors - before.numTensors, after.numDataBuffers - before.numDataBuffers];
}

const spectralLoss = (x: Tensor): Tensor => tf.sum(tf.log1p(tf.abs(tf.spectral.rfft(x))));

describeBackends('complex numbers in plain tfjs', (backend) => {
  const isClose = (actual: Tensor, wanted: HostTensor): void =>
    expectClose(fromTensor(actual), wanted, tolerance, 'the result');

  it('add, multiply, divide and read', () => {
    tf.tidy(() => {
      const [z, w] = [complex([2], 1, 2, 3, -1), complex([2], 0, 1, 2, 2)];
      isClose(tf.add(z, w), expected([2], 1, 3, 5, 1));
      isClose(tf.mul(z, w), expected([2], -2, 1, 8, 4));
      isClose(tf.div(z, w), expected([2], 2, -1, 0.5, -1));
      isClose(tf.mul(z, 2), expected([2], 2, 4, 6, -2));
      isClose(tf.abs(complex([1], 3, 4)), host([1], 'float32', [5]));
      isClose(tf.sum(z), expected([], 4, 1));
    });
  });

  it('divide by numbers whose squares are no float32', () => {
    tf.tidy(() => {
      const z = complex([2], 1e25, 1e25, 1e-25, 1e-25);
      isClose(tf.div(z, z), expected([2], 1, 0, 1, 0));
    });
  });

  it('have a magnitude where the square of a part is no float32', function () {
    // TensorFlow's own kernel squares on some machines.
    if (backend === 'tensorflow') this.skip();
    tf.tidy(() => isClose(tf.abs(complex([1], 3e25, 4e25)), host([1], 'float32', [5e25])));
  });

  it('keep their shape where a reshaped one shares their data', () => {
    tf.tidy(() => {
      const z = complex([2, 1], 1, 2, 3, -1);
      const flat = tf.reshape(z, [2]);
      tf.fft(tf.expandDims(z, 0));
      expect(tf.real(z).shape).to.deep.equal([2, 1]);
      expect(tf.imag(flat).shape).to.deep.equal([2]);
      isClose(tf.add(z, z), expected([2, 1], 2, 4, 6, -2));
    });
  });

  it('are cloned, and outlive the tensor that they were made of', () => {
    tf.tidy(() => {
      const z = complex([1], 1, 2);
      const copy = tf.clone(z);
      z.dispose();
      isClose(copy, expected([1], 1, 2));
    });
  });

  it('are transformed along the last dimension, and back', () => {
    for (const n of [1, 2, 7, 12, 96, 101]) {
      tf.tidy(() => {
        const z = tf.complex(tf.randomNormal([3, n], 0, 1, 'float32', 1), tf.ones([3, n]));
        const there = tf.fft(z);
        isClose(tf.ifft(there), fromTensor(z));
        // Against the definition, for one frequency.
        const k = Math.min(3, n - 1);
        const angles = tf.mul(tf.range(0, n), (-2 * Math.PI * k) / n);
        const wave = tf.complex(tf.cos(angles), tf.sin(angles));
        isClose(tf.slice(there, [0, k], [3, 1]), fromTensor(tf.sum(tf.mul(z, wave), 1, true)));
      });
    }
  });

  it('leave nothing behind', () => {
    const left = growth(() =>
      tf.tidy(() => {
        const z = complex([2, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        tf.ifft(tf.mul(tf.fft(z), tf.concat([z, z], 0).slice([0, 0], [2, 3])));
        tf.spectral.irfft(tf.stack(tf.unstack(z)));
        z.dataSync();
      }),
    );
    expect(left).to.deep.equal([0, 0]);
  });

  it('are refused by kernels that compute with real numbers', function () {
    // TensorFlow's Exp is complex.
    if (backend === 'tensorflow') this.skip();
    tf.tidy(() => {
      expect(() => tf.exp(complex([1], 1, 2))).to.throw(/complex64/);
    });
  });
});

describeBackends('complex numbers in transforms', (backend) => {
  it('give per-example gradients of a spectral loss, as a loop does', () => {
    tf.tidy(() => {
      const x = tf.randomNormal([3, 6], 0, 1, 'float32', 7);
      const rows = tf.unstack(x).map((row) => grad(spectralLoss)(row));
      const batched = vmap(grad(spectralLoss))(x);
      expectClose(fromTensor(batched), fromTensor(tf.stack(rows)), tolerance, 'vmap of grad');
    });
  });

  it('give the same Jacobian forward and in reverse, and a symmetric Hessian', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([0.5, -1, 2, 0.25]);
      const spectrum = (signal: Tensor) => tf.abs(tf.spectral.rfft(signal));
      const forward = fromTensor(jacfwd(spectrum)(x));
      expectClose(fromTensor(jacrev(spectrum)(x)), forward, tolerance, 'jacrev');
      const h = hessian(spectralLoss)(x);
      expectClose(fromTensor(tf.transpose(h)), fromTensor(h), tolerance, 'the transposed Hessian');
      expect(tf.max(tf.abs(h)).dataSync()[0]).to.be.greaterThan(0.01);
    });
  });

  it('have complex columns in jacfwd: those of the matrix of a Fourier transform', () => {
    tf.tidy(() => {
      const dft = jacfwd((x: Tensor) => tf.fft(tf.complex(x, tf.zerosLike(x))))(tf.zeros([3]));
      const [c, s] = [Math.cos((2 * Math.PI) / 3), Math.sin((2 * Math.PI) / 3)];
      const wanted = expected([3, 3], 1, 0, 1, 0, 1, 0, 1, 0, c, -s, c, s, 1, 0, c, s, c, -s);
      expectClose(fromTensor(dft), wanted, tolerance, 'jacfwd of fft');
    });
  });

  it('have the gradient ∂L/∂x + i·∂L/∂y, in grad and in jacrev', () => {
    tf.tidy(() => {
      const loss = (z: Tensor) =>
        tf.sum(tf.add(tf.square(tf.real(z)), tf.mul(3, tf.square(tf.imag(z)))));
      const z = complex([2], 1, 2, -1, 0.5);
      const wanted = expected([2], 2, 12, -2, 3);
      expectClose(fromTensor(grad(loss)(z)), wanted, tolerance, 'grad');
      expectClose(fromTensor(jacrev(loss)(z)), wanted, tolerance, 'jacrev');
    });
  });

  it('have their gradient in tf.grad inside a transform', () => {
    tf.tidy(() => {
      const f = (x: Tensor): Tensor => {
        const z = tf.complex(x, tf.square(x));
        return tf.sum(tf.abs(tf.mul(z, z)));
      };
      // |z|² = x² + x⁴
      const gradients = vmap(tf.grad(f))(tf.tensor1d([1, -2]));
      expectClose(fromTensor(gradients), host([2], 'float32', [6, -36]), tolerance, 'tf.grad');
    });
  });

  it('have derivative 0 where the magnitude has none', () => {
    tf.tidy(() => {
      const z = complex([2], 0, 0, 3, 4);
      const gradient = grad((w: Tensor) => tf.sum(tf.abs(w)))(z);
      expectClose(fromTensor(gradient), expected([2], 0, 0, 0.6, 0.8), tolerance, 'grad');
    });
  });

  it('get zeros of their dtype where nothing depends on them, and leave nothing behind', () => {
    const left = growth(() => {
      const z = complex([2], 1, 2, 3, 4);
      const [output, pullback] = vjp((a: Tensor, b: Tensor) => tf.mul(b, tf.onesLike(a)), [z, z]);
      const [ofA, ofB] = pullback(output as never) as unknown as Tensor[];
      pullback.dispose();
      expect(ofA!.dtype).to.equal('complex64');
      expect([...ofA!.dataSync()]).to.deep.equal([0, 0, 0, 0]);
      const [value, tangent] = jvp((a: Tensor) => tf.onesLike(a), [z], [z]);
      expect(tangent.dtype).to.equal('complex64');
      tf.dispose([z, output, ofA, ofB, value, tangent] as Tensor[]);
    });
    expect(left).to.deep.equal([0, 0]);
  });

  it('are refused as the value of a gradient, and say what to return', () => {
    tf.tidy(() => {
      const z = complex([2], 1, 2, 3, 4);
      expect(() => grad((w: Tensor) => tf.sum(w))(z)).to.throw(
        /returned complex64 \[\], but a gradient needs a float scalar. A complex number has none: return a real one \(tf.real, tf.imag, tf.abs\)/,
      );
    });
  });

  it('are refused where unit vectors would give half of the derivatives', () => {
    tf.tidy(() => {
      const z = complex([2], 1, 2, 3, 4);
      expect(() => jacrev((w: Tensor) => tf.mul(w, w))(z)).to.throw(
        /jacrev: a differentiated output is complex64 \[2\].*Return the parts/,
      );
      expect(() => jacfwd((w: Tensor) => tf.abs(w))(z)).to.throw(
        /jacfwd: a differentiated argument is complex64 \[2\].*Pass the parts/,
      );
    });
  });

  it('are refused in derivatives of kernels whose formulas are those of real numbers', function () {
    // The others refuse the kernel itself.
    if (backend !== 'tensorflow') this.skip();
    tf.tidy(() => {
      const z = complex([1], 1, 2);
      expect(() => grad((w: Tensor) => tf.sum(tf.abs(tf.exp(w))))(z)).to.throw(
        /no reverse rule for kernel 'Exp'.*complex64/,
      );
      expect(() => jvp((w: Tensor) => tf.exp(w), [z], [z])).to.throw(
        /no forward rule for kernel 'Exp'.*complex64/,
      );
    });
  });
});

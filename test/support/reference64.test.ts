import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {directionalDerivative, secondDerivative} from './differences.js';
import {host, type HostTensor} from './host.js';
import {run, tfjs64} from './reference64.js';

const double = (...values: number[]): HostTensor => ({
  shape: [values.length],
  dtype: 'float32',
  values: Float64Array.from(values),
});

const functions: Readonly<Record<string, (x: number) => number>> = {
  Exp: Math.exp,
  Log: Math.log,
  Tanh: Math.tanh,
  Sin: Math.sin,
  Sqrt: Math.sqrt,
  Expm1: Math.expm1,
  Log1p: Math.log1p,
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Atanh: Math.atanh,
};

function valueOf(kernel: string, x: number): number {
  return run(kernel, {x: double(x)})[0]?.values[0] as number;
}

describe('the float64 reference', () => {
  for (const [kernel, f] of Object.entries(functions)) {
    it(`computes ${kernel} in double precision`, () => {
      expect(valueOf(kernel, 0.3)).to.be.closeTo(f(0.3), 1e-15);
    });
  }

  it('adds and multiplies in double precision', () => {
    const tiny = 2 ** -40;
    const sum = run('Sum', {x: double(1, tiny)}, {axis: [0], keepDims: false});
    expect(sum[0]?.values[0]).to.equal(1 + tiny);
    const matrix: HostTensor = {...double(1, tiny), shape: [1, 2]};
    const product = run(
      'BatchMatMul',
      {a: matrix, b: {...double(1, 1), shape: [2, 1]}},
      {
        transposeA: false,
        transposeB: false,
      },
    );
    expect(product[0]?.values[0]).to.equal(1 + tiny);
  });

  it('convolves in double precision', () => {
    const tiny = 2 ** -40;
    const x: HostTensor = {...double(1, tiny), shape: [1, 1, 2, 1]};
    const filter: HostTensor = {...double(1, 1), shape: [1, 2, 1, 1]};
    const attrs = {strides: 1, pad: 'valid', dataFormat: 'NHWC', dilations: 1};
    expect(run('Conv2D', {x, filter}, attrs)[0]?.values[0]).to.equal(1 + tiny);
  });

  it('has Erf to 1.5e-7 only: a polynomial', () => {
    const exact = 0.3286267594591274;
    expect(Math.abs(valueOf('Erf', 0.3) - exact)).to.be.within(1e-9, 1.5e-7);
  });

  it('is another engine than the one that is tested', () => {
    expect(tfjs64().engine()).to.not.equal(tf.engine());
    const before = tf.memory().numTensors;
    run('Exp', {x: double(1)});
    expect(tf.memory().numTensors).to.equal(before);
    expect(tfjs64().memory().numTensors).to.equal(0);
  });

  it('does not touch its inputs', () => {
    const input = host([2], 'float32', [1, 2]);
    run('TensorScatterUpdate', {
      tensor: input,
      indices: host([1, 1], 'int32', [0]),
      updates: host([1], 'float32', [7]),
    });
    expect([...input.values]).to.deep.equal([1, 2]);
  });
});

describe('central differences', () => {
  const cube = ([x]: readonly HostTensor[]): HostTensor[] => [
    run('Multiply', {a: x, b: run('Square', {x})[0]})[0] as HostTensor,
  ];

  it('give a first derivative to nine digits', () => {
    const [derivative] = directionalDerivative(cube, [double(1.7)], [double(0.5)]);
    expect(derivative?.values[0]).to.be.closeTo(0.5 * 3 * 1.7 ** 2, 1e-9);
  });

  it('give a second derivative to six digits', () => {
    const [derivative] = secondDerivative(cube, [double(1.7)], [double(0.5)], [double(2)]);
    expect(derivative?.values[0]).to.be.closeTo(0.5 * 2 * 6 * 1.7, 1e-6);
  });

  it('hold still what has no direction', () => {
    const product = (inputs: readonly HostTensor[]) =>
      run('Multiply', {a: inputs[0], b: inputs[1]});
    const inputs = [double(2), double(3)];
    const [derivative] = directionalDerivative(product, inputs, [undefined, double(1)]);
    expect(derivative?.values[0]).to.be.closeTo(2, 1e-9);
  });
});

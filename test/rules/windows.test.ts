import * as tf from '@tensorflow/tfjs-core';
import {jvp, vjp, vmap} from '../../src/index.js';
import {describeBackends, type BackendName} from '../backends.js';
import {expectClose} from '../support/compare.js';
import {fromTensor} from '../support/host.js';
import {Random} from '../support/random.js';

/**
 * Convolutions and pools of random sizes, strides, dilations and paddings: more of their combinations than the spec table has rows for.
 */
type TensorFunction = (...xs: tf.Tensor[]) => tf.Tensor;
type Shape = readonly number[];

const BATCH = 3;
const DRAWS = 12;

interface Geometry {
  readonly shape: [number, number, number, number];
  readonly window: [number, number];
  readonly outputs: number;
  readonly strides: [number, number];
  readonly dilations: [number, number];
  readonly pad: 'valid' | 'same' | [number, number][];
}

function drawGeometry(random: Random, backend: BackendName): Geometry {
  const pair = (low: number, high: number): [number, number] => [
    random.integer(low, high),
    random.integer(low, high),
  ];
  const isDilated = random.next() < 0.3;
  const window = pair(1, 4);
  const strides: [number, number] = isDilated ? [1, 1] : pair(1, 4);
  // XNNPACK pads wrongly where windows lie apart.
  const liesApart = strides.some((stride, axis) => stride > (window[axis] as number));
  const same = backend === 'wasm' && liesApart ? 'valid' : 'same';
  return {
    shape: [random.integer(1, 3), random.integer(4, 9), random.integer(4, 9), random.integer(1, 4)],
    window,
    outputs: random.integer(1, 4),
    strides,
    dilations: isDilated ? pair(1, 3) : [1, 1],
    pad: random.pick(['valid', same, [[0, 0], pair(0, 3), pair(0, 3), [0, 0]]]),
  };
}

const draw = (random: Random, shape: Shape): tf.Tensor =>
  tf.tensor(
    Array.from({length: shape.reduce((size, n) => size * n, 1)}, () => random.uniform(-1, 1)),
    [...shape],
  );

const run = (kernel: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor =>
  tf.engine().runKernel<tf.Tensor>(kernel, inputs, attrs as tf.NamedAttrMap);

/** The kernels of a geometry as functions, with the shapes of their inputs; those that the backend refuses are left out. */
function functionsOf(geometry: Geometry): [string, TensorFunction, Shape[]][] {
  const {shape, window, outputs, strides, dilations, pad} = geometry;
  const channels = shape[3];
  const attrs = {strides, pad, dataFormat: 'NHWC', dilations};
  const gradAttrs = {strides, pad, dataFormat: 'NHWC'};
  const filter = [...window, channels, outputs];
  const info = tf.backend_util.computeConv2DInfo(
    shape,
    filter as [number, number, number, number],
    strides,
    dilations,
    pad as 'valid',
  );
  const y = info.outShape;
  if (y.some((n) => n < 1)) return [];
  const pool = {filterSize: window, strides, pad};
  const functions: [string, TensorFunction, Shape[]][] = [
    ['Conv2D', (x, f) => run('Conv2D', {x: x!, filter: f!}, attrs), [shape, filter]],
    [
      'DepthwiseConv2dNative',
      (x, f) => run('DepthwiseConv2dNative', {x: x!, filter: f!}, attrs),
      [shape, filter],
    ],
  ];
  if (dilations.every((n) => n === 1)) {
    functions.push(
      [
        'Conv2DBackpropInput',
        (dy, f) =>
          run('Conv2DBackpropInput', {dy: dy!, filter: f!}, {...gradAttrs, inputShape: shape}),
        [y, filter],
      ],
      [
        'Conv2DBackpropFilter',
        (x, dy) =>
          run('Conv2DBackpropFilter', {x: x!, dy: dy!}, {...gradAttrs, filterShape: filter}),
        [shape, y],
      ],
    );
    if (typeof pad === 'string') {
      functions.push(
        ['MaxPool', (x) => run('MaxPool', {x: x!}, pool), [shape]],
        ['AvgPool', (x) => run('AvgPool', {x: x!}, pool), [shape]],
      );
    }
  }
  return functions;
}

/** Whether the plain call goes through. */
function isTaken(f: TensorFunction, inputs: readonly tf.Tensor[]): boolean {
  try {
    tf.dispose(f(...inputs));
    return true;
  } catch {
    return false;
  }
}

function checkBatching(f: TensorFunction, inputs: readonly tf.Tensor[], random: Random): void {
  for (let choice = 1; choice < 1 << inputs.length; choice++) {
    const mapped = inputs.map((_, i) => (choice & (1 << i)) !== 0);
    const xs = inputs.map((x, i) => (mapped[i] ? draw(random, [BATCH, ...x.shape]) : x));
    const actual = vmap(f, {inDims: mapped.map((is) => (is ? 0 : null)) as never})(...xs);
    const examples = Array.from({length: BATCH}, (_, b) =>
      f(...xs.map((x, i) => (mapped[i] ? tf.squeeze(tf.slice(x, [b], [1]), [0]) : x))),
    );
    expectClose(
      fromTensor(actual),
      fromTensor(tf.stack(examples)),
      {relative: 1e-5, absolute: 1e-5},
      `vmap with mapped: ${mapped.join()}`,
    );
  }
}

/** ⟨ct, Ju⟩ = ⟨Jᵀct, u⟩. */
function checkTransposes(f: TensorFunction, inputs: readonly tf.Tensor[], random: Random): void {
  inputs.forEach((input, i) => {
    const of: TensorFunction = (x) => f(...inputs.map((other, j) => (j === i ? x! : other)));
    const u = draw(random, input.shape);
    const [y, pushed] = jvp(of, [input], [u]) as [tf.Tensor, tf.Tensor];
    const ct = draw(random, y.shape);
    const [, pullback] = vjp(of, [input]);
    const [pulled] = pullback(ct as never) as [tf.Tensor];
    const dot = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.sum(tf.mul(a, b));
    const size = fromTensor(tf.sum(tf.abs(tf.mul(ct, pushed)))).values[0] as number;
    expectClose(
      fromTensor(dot(pulled, u)),
      fromTensor(dot(ct, pushed)),
      {relative: 0, absolute: 1e-5, smallestScale: size},
      `⟨Jᵀct, u⟩ in input ${i}`,
    );
  });
}

describeBackends('convolutions and pools of random geometries', (backend) => {
  for (let index = 0; index < DRAWS; index++) {
    const random = new Random('windows', index);
    const geometry = drawGeometry(random, backend);
    it(JSON.stringify(geometry), () => {
      for (const [kernel, f, shapes] of functionsOf(geometry)) {
        tf.tidy(() => {
          const inputs = shapes.map((shape) => draw(random, shape));
          if (!isTaken(f, inputs)) return;
          try {
            checkBatching(f, inputs, random);
            checkTransposes(f, inputs, random);
          } catch (error) {
            throw new Error(
              `${kernel}: ${error instanceof Error ? error.message : String(error)}`,
              {
                cause: error,
              },
            );
          }
        });
      }
    });
  }
});

import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  combineStateForEnsemble,
  functionalCall,
  grad,
  hessian,
  jvp,
  makeFunctional,
  makeFunctionalWithBuffers,
  TransformError,
  vmap,
} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame} from '../transforms/values.js';
import {GraphBuilder} from './graphs.js';

type Params = Record<string, tf.Tensor>;

const numbers = (count: number): number[] =>
  Array.from({length: count}, (_, i) => Math.sin(i * 1.7 + 0.3));

/** A multilayer perceptron, as the converter would make it of Keras's. */
function perceptron(): tf.GraphModel<tf.io.IOHandlerSync> {
  const graph = new GraphBuilder();
  const x = graph.input('x', [-1, 3]);
  const w1 = graph.weight('w1', [3, 4], numbers(12));
  const b1 = graph.weight('b1', [4], numbers(4));
  const w2 = graph.weight('w2', [4, 2], numbers(8));
  const scale = graph.weight('scale', [], [0.5]);
  const sizes = graph.integers('sizes', [2], [-1, 2]);
  const plain = {transpose_a: {b: false}, transpose_b: {b: false}};
  const product = graph.node('product', 'MatMul', [x, w1], plain);
  const hidden = graph.node('hidden', 'Tanh', [graph.node('sum', 'BiasAdd', [product, b1])]);
  const logits = graph.node('logits', 'MatMul', [hidden, w2], plain);
  const scaled = graph.node('scaled', 'Mul', [logits, scale]);
  graph.node('y', 'Reshape', [scaled, sizes]);
  return graph.build();
}

/** What it computes, in words of tfjs. */
const inWords = ({w1, b1, w2}: Params, x: tf.Tensor): tf.Tensor =>
  tf.matMul(tf.tanh(tf.add(tf.matMul(x, w1!), b1!)), w2!).mul(0.5);

function convolutional(): tf.GraphModel<tf.io.IOHandlerSync> {
  const graph = new GraphBuilder();
  const windows = {
    strides: {list: {i: ['1', '2', '2', '1']}},
    padding: {s: 'U0FNRQ=='}, // SAME, in base64
    data_format: {s: 'TkhXQw=='}, // NHWC
  };
  const x = graph.input('x', [-1, 6, 6, 2]);
  const filter = graph.weight('filter', [3, 3, 2, 3], numbers(54));
  const bias = graph.weight('bias', [3], numbers(3));
  const convolved = graph.node('convolved', 'Conv2D', [x, filter], {
    ...windows,
    dilations: {list: {i: ['1', '1', '1', '1']}},
  });
  const active = graph.node('active', 'Relu', [graph.node('sum', 'BiasAdd', [convolved, bias])]);
  graph.node('y', 'MaxPool', [active], {...windows, ksize: {list: {i: ['1', '2', '2', '1']}}});
  return graph.build();
}

describeBackends('graph models', () => {
  const x = (): tf.Tensor => tf.tensor2d(numbers(15), [5, 3]);
  const squares = (y: tf.Tensor): tf.Tensor => y.square().sum();

  const withModel =
    (make: () => tf.GraphModel<tf.io.IOHandlerSync>, body: (model: tf.GraphModel) => void) =>
    (): void => {
      const model = make();
      tf.tidy(() => {
        body(model as unknown as tf.GraphModel);
      });
      model.dispose();
    };

  it(
    'have the same gradients as the same in words of tfjs, to second order',
    withModel(perceptron, (model) => {
      const [f, params, buffers] = makeFunctionalWithBuffers(model);
      expect(Object.keys(params)).to.deep.equal(['w1', 'b1', 'w2']);
      expect(Object.keys(buffers)).to.deep.equal(['scale', 'sizes']);
      expectSame(f(params, buffers, x()), inWords(params, x()));
      const loss = (p: Params): tf.Tensor => squares(f(p, buffers, x()));
      const lossInWords = (p: Params): tf.Tensor => squares(inWords(p, x()));
      const inWordsToo = [
        [grad(loss)(params), grad(lossInWords)(params)],
        [jvp(grad(loss), [params], [params])[1], jvp(grad(lossInWords), [params], [params])[1]],
      ] as const;
      for (const [actual, expected] of inWordsToo) {
        for (const name of Object.keys(params)) expectSame(actual[name]!, expected[name]!);
      }
      const ofBias = (b1: tf.Tensor): tf.Tensor => loss({...params, b1});
      const ofBiasInWords = (b1: tf.Tensor): tf.Tensor => lossInWords({...params, b1});
      expectSame(hessian(ofBias)(params['b1']!), hessian(ofBiasInWords)(params['b1']!));
    }),
  );

  it(
    'have per-example gradients equal to a loop',
    withModel(perceptron, (model) => {
      const [f, params] = makeFunctional(model);
      const loss = (p: Params, example: tf.Tensor): tf.Tensor =>
        squares(f(p, example.expandDims(0)));
      const perExample = vmap(grad(loss), {inDims: [null, 0]})(params, x());
      const looped = tf.unstack(x()).map((example) => grad(loss)(params, example));
      for (const name of Object.keys(params)) {
        expectSame(perExample[name]!, tf.stack(looped.map((gradients) => gradients[name]!)));
      }
    }),
  );

  it(
    'of images too',
    withModel(convolutional, (model) => {
      const images = tf.tensor4d(numbers(3 * 72), [3, 6, 6, 2]);
      const [f, params] = makeFunctional(model);
      expectSame(f(params, images), model.predict(images) as tf.Tensor);
      const loss = (p: Params, image: tf.Tensor): tf.Tensor => squares(f(p, image.expandDims(0)));
      const perExample = vmap(grad(loss), {inDims: [null, 0]})(params, images);
      const looped = tf.unstack(images).map((image) => grad(loss)(params, image));
      for (const name of ['filter', 'bias']) {
        expectSame(perExample[name]!, tf.stack(looped.map((gradients) => gradients[name]!)));
      }
    }),
  );

  it(
    'compute up to a node that is named',
    withModel(perceptron, (model) => {
      const [, params] = makeFunctional(model);
      const hidden = functionalCall(model, {...params, b1: tf.zeros([4])}, x(), 'hidden');
      expectSame(hidden, tf.tanh(tf.matMul(x(), params['w1']!)));
    }),
  );

  it(
    'keep their weights, after an error too',
    withModel(perceptron, (model) => {
      const [f, params] = makeFunctional(model);
      const before = model.predict(x()) as tf.Tensor;
      expect(() => f({...params, b1: tf.zeros([5])}, x()))
        .to.throw(TransformError)
        .with.property('code', 'parameter-mismatch');
      expect(() => f(params, tf.ones([2, 7]))).to.throw();
      expectSame(model.predict(x()) as tf.Tensor, before);
    }),
  );

  it('are refused when they are disposed, and in an ensemble where their nodes differ', () => {
    const variant = (op: string): tf.GraphModel => {
      const graph = new GraphBuilder();
      graph.node('y', op, [
        graph.node('sum', 'AddV2', [graph.input('x', [2]), graph.weight('w', [2], [1, 2])]),
      ]);
      return graph.build() as unknown as tf.GraphModel;
    };
    const [first, second, other] = ['Tanh', 'Tanh', 'Sigmoid'].map(variant) as [
      tf.GraphModel,
      tf.GraphModel,
      tf.GraphModel,
    ];
    tf.tidy(() => {
      const [f, params, buffers] = combineStateForEnsemble([first, second]);
      expect(vmap(f, {inDims: [0, 0, null]})(params, buffers, tf.ones([2])).shape).to.deep.equal([
        2, 2,
      ]);
      expect(() => combineStateForEnsemble([first, other]))
        .to.throw(TransformError, 'model 1 differs from model 0 in structure')
        .with.property('code', 'ensemble-mismatch');
      second.dispose();
      expect(() => makeFunctional(second))
        .to.throw(
          TransformError,
          "the graph model is disposed: its 'w' (float32 [2]) no longer has a value",
        )
        .with.property('code', 'disposed-tensor');
      expect(() => functionalCall(first, {v: tf.ones([2])}, tf.ones([2])))
        .to.throw(TransformError, "the graph model has no parameter or buffer 'v'. It has 'w'.")
        .with.property('code', 'unknown-parameter');
    });
    first.dispose();
    other.dispose();
  });
});

import {readFileSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad, jvp, makeFunctional, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame} from '../transforms/values.js';

/** A model that TensorFlow made, and what it computes there. See test/golden/graph_models.py. */
interface Converted {
  readonly name: string;
  readonly form: string;
  readonly model: {
    readonly modelTopology: object;
    readonly weightSpecs: tf.io.WeightsManifestEntry[];
    readonly weightData: string;
  };
  readonly input: string;
  readonly outputs: string[];
  readonly x: tf.TensorLike;
  readonly expected: tf.TensorLike[];
  /** Of the sum of the squares of the first output with respect to x. */
  readonly gradient: tf.TensorLike;
}

const models = JSON.parse(
  readFileSync(new URL('../golden/graph_models.json', import.meta.url), 'utf8'),
) as Converted[];

function load({model}: Converted): tf.GraphModel {
  const weightData = Uint8Array.from(atob(model.weightData), (byte) => byte.charCodeAt(0)).buffer;
  const loaded = tf.loadGraphModelSync(tf.io.fromMemorySync({...model, weightData}));
  return loaded as unknown as tf.GraphModel;
}

describeBackends('graph models that TensorFlow made', () => {
  for (const converted of models) {
    const {name, form, input, outputs, expected} = converted;
    it(`${name} as ${form}: values and gradients are TensorFlow's, and mapped those of a loop`, () => {
      const model = load(converted);
      tf.tidy(() => {
        const [f, params] = makeFunctional<tf.Tensor | tf.Tensor[]>(model);
        const x = tf.tensor(converted.x);
        const before = tf.memory().numTensors;
        const results = [f(params, {[input]: x}, outputs)].flat();
        expect(tf.memory().numTensors - before).to.equal(outputs.length);
        results.forEach((result, index) =>
          expectSame(result, tf.tensor(expected[index]!, result.shape, result.dtype)),
        );
        const loss = (p: typeof params, value: tf.Tensor): tf.Tensor =>
          (f(p, {[input]: value}, outputs[0]) as tf.Tensor).square().sum();
        const gradient = tf.tensor(converted.gradient);
        expectSame(grad(loss, {argnums: 1})(params, x), gradient.clone());
        const [, slope] = jvp((value: tf.Tensor) => loss(params, value), [x], [gradient]);
        expectSame(slope, gradient.square().sum());

        const xs = tf.stack([x, x.mul(0.3), x.neg()]);
        const mapped = vmap(grad(loss, {argnums: [0, 1]}), {inDims: [null, 0]});
        const [ofParams, ofX] = mapped(params, xs);
        const apart = tf.unstack(xs).map((one) => grad(loss, {argnums: [0, 1]})(params, one));
        expectSame(ofX, tf.stack(apart.map(([, one]) => one)));
        for (const key of Object.keys(params)) {
          expectSame(ofParams[key]!, tf.stack(apart.map(([one]) => one[key]!)));
        }
      });
      model.dispose();
    });
  }

  it('a list that grows has one length for all examples', () => {
    const converted = models.find(({name}) => name === 'rounds')!;
    const {input, outputs} = converted;
    const model = load(converted);
    tf.tidy(() => {
      const [f, params] = makeFunctional(model);
      const x = tf.tensor(converted.x);
      const seen = vmap((value: tf.Tensor) => f(params, {[input]: value}, outputs[2]));
      expectSame(
        seen(tf.stack([x, x])),
        tf.stack([converted.expected[2]!, converted.expected[2]!]),
      );
      expect(() => seen(tf.stack([x, x.mul(0.3)]))).to.throw(
        'runs more rounds for some examples of a vmap than for others, and what it hands from round to round changes its shape',
      );
    });
    model.dispose();
  });
});

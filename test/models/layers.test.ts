import {readFileSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad, makeFunctional, TransformError, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {Random} from '../support/random.js';
import {layerSamples, type LayerSample} from './layers.samples.js';
import {expectSame} from '../transforms/values.js';

const EXAMPLES = 3;
const TOLERANCE = {relative: 1e-4, absolute: 1e-5};
const documented = readFileSync('docs/layers.md', 'utf8');

const shapesOf = ({inputs}: LayerSample): number[][] =>
  typeof inputs[0] === 'number' ? [inputs as number[]] : ([...inputs] as number[][]);

function examples({name, below}: LayerSample, shape: number[], place: number): tf.Tensor {
  const random = new Random(name, place);
  const full = [EXAMPLES, ...shape];
  const values = Array.from({length: tf.util.sizeFromShape(full)}, () =>
    below === undefined ? random.uniform(-1, 1) : random.integer(0, below),
  );
  return tf.tensor(values, full, below === undefined ? 'float32' : 'int32');
}

interface Case {
  readonly gradientOf: (...args: tf.Tensor[]) => Record<string, tf.Tensor>;
  readonly inputs: tf.Tensor[];
}

/** The gradient of a weighted sum of the layer's outputs for one example, by its parameters and its float inputs. */
function prepare(sample: LayerSample, layer: tf.layers.Layer): Case {
  const inputs = shapesOf(sample).map((shape, place) => examples(sample, shape, place));
  const first = inputs.map((input) => input.slice(0, 1));
  layer.apply(first.length === 1 ? first[0]! : first);
  const [f, params] = makeFunctional(layer);
  const loss = (p: Record<string, tf.Tensor>, ...xs: tf.Tensor[]): tf.Tensor => {
    const batches = xs.map((x) => x.expandDims(0));
    const output = f(
      p,
      batches.length === 1 ? batches[0]! : batches,
      sample.training ? {training: true} : {},
    );
    const weights = tf.range(0, output.size, 1).add(0.5).sin().reshape(output.shape);
    return output.mul(weights).square().add(output.mul(weights)).sum();
  };
  const gradientOf = (...xs: tf.Tensor[]): Record<string, tf.Tensor> => {
    const isInteger = sample.below !== undefined;
    const wrt = {
      ...params,
      ...(isInteger ? {} : Object.fromEntries(xs.map((x, i) => [`x${i}`, x]))),
    };
    if (Object.keys(wrt).length === 0) return {loss: loss({}, ...xs)};
    return grad((all: Record<string, tf.Tensor>) => {
      const own = Object.fromEntries(Object.keys(params).map((name) => [name, all[name]!]));
      return loss(own, ...xs.map((x, i) => all[`x${i}`] ?? x));
    })(wrt);
  };
  return {gradientOf, inputs};
}

/** The kernel that has no rule yet, for which a sample waits. */
function missingRule(error: unknown): string | null {
  if (!(error instanceof TransformError)) return null;
  const isMissing = ['no-batching-rule', 'no-reverse-rule', 'no-forward-rule'].includes(error.code);
  return isMissing && error.kernel !== undefined ? error.kernel : null;
}

describeBackends('layers', (backend) => {
  for (const sample of layerSamples) {
    it(`${sample.name} has the per-example gradients of a loop`, function () {
      const layer = sample.make();
      try {
        tf.tidy(() => {
          const {gradientOf, inputs} = prepare(sample, layer);
          if (sample.refused !== undefined) {
            const error = caught(() => vmap(gradientOf)(...inputs));
            expect(error.code).to.equal(sample.refused.code);
            expect(error.message).to.include(sample.refused.message);
            return;
          }
          const together = vmap(gradientOf)(...inputs) as Record<string, tf.Tensor>;
          const apart = Array.from({length: EXAMPLES}, (_, index) =>
            gradientOf(...inputs.map((input) => input.gather(index))),
          );
          for (const name of Object.keys(together)) {
            expectSame(together[name]!, tf.stack(apart.map((one) => one[name]!)), TOLERANCE);
          }
        });
      } catch (error) {
        const kernel = missingRule(error);
        if (kernel === null) throw error;
        console.log(`      waits for a rule of ${kernel} (${backend})`);
        this.skip();
      } finally {
        tf.disposeVariables();
      }
    });
  }
});

describe('docs/layers.md', () => {
  it('has a row for every layer that the test tries, and no other', () => {
    const rows = [...documented.matchAll(/^\| `(.+?)` \|/gm)].map((match) => match[1]);
    expect(rows).to.deep.equal(layerSamples.map(({name}) => name));
  });

  it('every layer of tf.layers is tried', () => {
    const tried = new Set(layerSamples.flatMap(({make}) => classNames(make())));
    const registry = tf.serialization.SerializationMap.getMap().classNameMap;
    const missing = Object.entries(registry)
      .filter(([, [cls]]) => cls.prototype instanceof tf.layers.Layer)
      .map(([name]) => name)
      .filter((name) => !tried.has(name) && !notTried.has(name));
    expect(missing).to.deep.equal([]);
  });
});

/** Not layers by themselves, or random, which `vmap` treats by its own option. */
const notTried = new Set([
  'InputLayer',
  'Model',
  'Functional',
  'Sequential',
  'ConvRNN2D',
  'ConvLSTM2DCell',
  'RandomWidth',
  'GroupNormalization',
]);

function classNames(layer: tf.layers.Layer): string[] {
  const inner = layer as unknown as {cell?: tf.layers.Layer; cells?: tf.layers.Layer[]};
  const parts = [inner.cell, ...(inner.cells ?? [])].filter((part) => part !== undefined);
  return [layer.getClassName(), ...parts.flatMap(classNames)];
}

function caught(call: () => unknown): TransformError {
  try {
    call();
  } catch (error) {
    if (error instanceof TransformError) return error;
    throw error;
  }
  throw new Error('the call should have thrown');
}

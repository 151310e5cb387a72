import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  combineStateForEnsemble,
  functionalCall,
  grad,
  jvp,
  makeFunctional,
  makeFunctionalWithBuffers,
  optimizers,
  replaceBatchNorm,
  stackModuleState,
  TransformError,
  vmap,
  type ErrorCode,
} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame, expectValues} from '../transforms/values.js';

type Params = Record<string, tf.Tensor>;

const mlp = (activation: 'tanh' | 'relu' = 'tanh', units = 4): tf.Sequential =>
  tf.sequential({
    layers: [tf.layers.dense({units, activation, inputShape: [3]}), tf.layers.dense({units: 1})],
  });

const withBatchNorm = (): tf.LayersModel => {
  const input = tf.input({shape: [4, 4, 2]});
  const hidden = tf.layers.conv2d({filters: 4, kernelSize: 3, name: 'conv'}).apply(input);
  const normed = tf.layers.batchNormalization({name: 'norm', momentum: 0.5}).apply(hidden);
  return tf.model({inputs: input, outputs: normed as tf.SymbolicTensor});
};

const tidily = (body: () => void) => (): void => {
  tf.tidy(body);
  tf.disposeVariables();
};

const squares = (f: (p: Params, x: tf.Tensor) => tf.Tensor, p: Params, x: tf.Tensor): tf.Tensor =>
  f(p, x).square().sum();

function fails(code: ErrorCode, message: string, call: () => unknown): void {
  let error: unknown;
  try {
    call();
  } catch (caught) {
    error = caught;
  }
  expect(error, 'the call should have thrown').to.be.instanceOf(TransformError);
  expect((error as TransformError).message).to.include(message);
  expect((error as TransformError).code).to.equal(code);
}

describeBackends('models as functions', () => {
  it(
    'compute what the model computes, with its own parameters and with others',
    tidily(() => {
      const model = mlp();
      const [f, params] = makeFunctional(model);
      const x = tf.randomNormal([5, 3], 0, 1, 'float32', 1);
      expectSame(f(params, x), model.predict(x) as tf.Tensor);
      const doubled = Object.fromEntries(
        Object.entries(params).map(([name, value]) => [name, value.mul(2)]),
      );
      const output = f(doubled, x);
      const before = model.predict(x) as tf.Tensor;
      expectSame(before, f(params, x));
      model.setWeights(Object.values(doubled));
      expectSame(output, model.predict(x) as tf.Tensor);
      // The copies are the caller's: they have the values from before.
      expect(params['dense_Dense1/bias'] ?? Object.values(params)[0]).to.be.instanceOf(tf.Tensor);
    }),
  );

  it(
    'have the gradients that tf.variableGrads gives',
    tidily(() => {
      const model = mlp();
      const [f, params] = makeFunctional(model);
      const x = tf.randomNormal([5, 3], 0, 1, 'float32', 1);
      const ours = grad((p: Params) => squares(f, p, x))(params);
      const stock = tf.variableGrads(() => (model.apply(x) as tf.Tensor).square().sum().asScalar());
      expect(Object.keys(ours)).to.deep.equal(Object.keys(params));
      Object.values(ours).forEach((gradient, index) =>
        expectSame(gradient, Object.values(stock.grads)[index]!),
      );
      // tfjs's own tape would record the model's variables, not the parameters.
      fails('invalid-argument', 'Differentiate with grad, and step with optimizers.', () =>
        tf.grad((w) => squares(f, {...params, [Object.keys(params)[0]!]: w}, x))(
          Object.values(params)[0]!,
        ),
      );
    }),
  );

  it(
    'work in forward mode, and twice differentiated',
    tidily(() => {
      const [f, params] = makeFunctional(mlp());
      const x = tf.randomNormal([2, 3], 0, 1, 'float32', 1);
      const ones = Object.fromEntries(
        Object.entries(params).map(([name, value]) => [name, tf.onesLike(value)]),
      );
      const loss = (p: Params): tf.Tensor => squares(f, p, x);
      const [, slope] = jvp(loss, [params], [ones]);
      const total = Object.values(grad(loss)(params)).reduce(
        (sum, value) => sum.add(value.sum()),
        tf.scalar(0) as tf.Tensor,
      );
      expectSame(slope, total);
      const second = jvp(grad(loss), [params], [ones])[1];
      const h = 1e-2;
      const moved = (step: number): Params =>
        Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value.add(step)]));
      for (const name of Object.keys(params)) {
        const [ahead, behind] = [grad(loss)(moved(h)), grad(loss)(moved(-h))];
        expectSame(second[name]!, ahead[name]!.sub(behind[name]!).div(2 * h), {
          relative: 1e-2,
          absolute: 1e-2,
        });
      }
    }),
  );

  it(
    'shared layers and nested models count once',
    tidily(() => {
      const shared = tf.layers.dense({units: 3, inputShape: [3], name: 'shared'});
      const inner = tf.sequential({layers: [shared, tf.layers.dense({units: 3, name: 'inner'})]});
      const input = tf.input({shape: [3]});
      const once = inner.apply(shared.apply(input)) as tf.SymbolicTensor;
      const model = tf.model({inputs: input, outputs: inner.apply(once) as tf.SymbolicTensor});
      const [f, params] = makeFunctional(model);
      expect(Object.keys(params).sort()).to.deep.equal([
        'inner/bias',
        'inner/kernel',
        'shared/bias',
        'shared/kernel',
      ]);
      const x = tf.randomNormal([2, 3], 0, 1, 'float32', 1);
      expectSame(f(params, x), model.predict(x) as tf.Tensor);
      const stock = tf.variableGrads(() => (model.apply(x) as tf.Tensor).square().sum().asScalar());
      const ours = grad((p: Params) => squares(f, p, x))(params);
      const kernel = Object.entries(stock.grads).find(([name]) => name.startsWith('shared/kernel'));
      expectSame(ours['shared/kernel']!, kernel![1]);
    }),
  );

  it(
    'names are those of the layers, whatever the session has made before',
    tidily(() => {
      const names = (): string[] => {
        const layer = tf.layers.dense({units: 1, inputShape: [1], name: 'twice'});
        return Object.keys(makeFunctional(tf.sequential({layers: [layer]}))[1]);
      };
      expect(names()).to.deep.equal(['twice/kernel', 'twice/bias']);
      expect(names()).to.deep.equal(['twice/kernel', 'twice/bias']);
    }),
  );

  it(
    'an exception leaves the model as it was, and so does an assignment',
    tidily(() => {
      const w = tf.variable(tf.scalar(2));
      const thrower = {
        apply: (x: tf.Tensor): tf.Tensor => {
          x.mul(w);
          throw new Error('mine');
        },
        variables: {w},
      };
      expect(() =>
        grad((p: Params) => functionalCall(thrower, p, tf.scalar(1)))({w: tf.scalar(5)}),
      ).to.throw('mine');
      expectValues(w.clone(), 2);
      w.assign(tf.scalar(3));
      expectValues(w.clone(), 3);
      expect(Object.keys(w)).to.not.include.members(['assign', 'dispose']);
    }),
  );

  it(
    'plain code: a list of variables, buffers, outputs that are variables or arguments',
    tidily(() => {
      const w = tf.variable(tf.scalar(2), true, 'models-w');
      const count = tf.variable(tf.scalar(0), false, 'models-count');
      const module = {
        apply(x: tf.Tensor) {
          count.assign(count.add(1).asScalar());
          count.assign(count.add(1).asScalar());
          return {w, x, y: x.mul(w).mul(count)};
        },
        variables: [w, count],
      };
      const [f, params, buffers] = makeFunctionalWithBuffers(module, {bufferUpdates: 'return'});
      expect([Object.keys(params), Object.keys(buffers)]).to.deep.equal([
        ['models-w'],
        ['models-count'],
      ]);
      const x = tf.scalar(3);
      const [out, newBuffers] = f({'models-w': tf.scalar(10)}, buffers, x);
      expect(out.x).to.not.equal(x);
      expectValues(out.w, 10);
      expectValues(out.y, 60);
      expectValues(newBuffers['models-count']!, 2);
      expectValues(count.clone(), 0);
      expectValues(w.clone(), 2);
    }),
  );
});

describeBackends('buffers', () => {
  it(
    'moving averages are returned, and are those that the model itself would have',
    tidily(() => {
      const model = withBatchNorm();
      const x = tf.randomNormal([3, 4, 4, 2], 1, 2, 'float32', 1);
      const [f, params, buffers] = makeFunctionalWithBuffers(model, {bufferUpdates: 'return'});
      const loss = (p: Params, b: Params): [tf.Tensor, Params] => {
        const [y, newBuffers] = f(p, b, x, {training: true});
        return [y.square().sum(), newBuffers];
      };
      const [, newBuffers] = grad(loss, {hasAux: true})(params, buffers);
      expectSame(model.getWeights()[4]!.clone(), buffers['norm/moving_mean']!.clone());
      model.apply(x, {training: true});
      expectSame(newBuffers['norm/moving_mean']!, model.getWeights()[4]!.clone());
      expectSame(newBuffers['norm/moving_variance']!, model.getWeights()[5]!.clone());
    }),
  );

  it(
    'group normalization in place of batch normalization gives per-example gradients',
    tidily(() => {
      const model = withBatchNorm();
      const replaced = replaceBatchNorm(model, {groups: 2});
      const [f, params, buffers] = makeFunctionalWithBuffers(replaced);
      expect(Object.keys(buffers)).to.deep.equal([]);
      expectSame(params['conv/kernel']!.clone(), makeFunctional(model)[1]['conv/kernel']!);
      const x = tf.randomNormal([3, 4, 4, 2], 1, 2, 'float32', 1);
      const loss = (p: Params, one: tf.Tensor): tf.Tensor =>
        f(p, buffers, one.expandDims(0), {training: true}).pow(3).sum();
      const together = vmap(grad(loss), {inDims: [null, 0]})(params, x);
      const apart = [0, 1, 2].map((index) => grad(loss)(params, x.gather(index)));
      for (const name of Object.keys(params)) {
        expectSame(together[name]!, tf.stack(apart.map((one) => one[name]!)), {
          relative: 1e-3,
          absolute: 1e-4,
        });
      }
      fails(
        'invalid-argument',
        "groups is the number 3 for the layer 'norm', whose 4 channels it does not divide",
        () => replaceBatchNorm(model, {groups: 3}),
      );
    }),
  );
});

describeBackends('ensembles', () => {
  it(
    'train at once to what they train to apart, each with its own optimizer state',
    tidily(() => {
      const models = [mlp(), mlp(), mlp()];
      const x = tf.randomNormal([6, 3], 0, 1, 'float32', 1);
      const optimizer = optimizers.adam({learningRate: 0.05});
      const train = (loss: (p: Params) => tf.Tensor) => (start: Params) => {
        let [params, state] = [start, optimizer.init(start)];
        for (let step = 0; step < 5; step++) {
          [params, state] = optimizer.update(grad(loss)(params), state, params);
        }
        return params;
      };
      const [f, params, buffers] = combineStateForEnsemble(models);
      expectSame(
        vmap(f, {inDims: [0, 0, null]})(params, buffers, x),
        tf.stack(models.map((model) => model.predict(x) as tf.Tensor)),
      );
      const together = vmap(train((p) => f(p, {}, x).sub(1).square().mean()))(params);
      models.forEach((model, index) => {
        const [g, own] = makeFunctional(model);
        const apart = Object.values(train((p) => g(p, x).sub(1).square().mean())(own));
        Object.values(together).forEach((stacked, place) =>
          expectSame(stacked.gather(index), apart[place]!, {relative: 1e-4, absolute: 1e-5}),
        );
      });
    }),
  );

  it(
    'buffers have one row per model',
    tidily(() => {
      const [, buffers] = stackModuleState([withBatchNorm(), withBatchNorm()]);
      expect(buffers['norm/moving_mean']!.shape).to.deep.equal([2, 4]);
    }),
  );

  it(
    'refuse models of different structures',
    tidily(() => {
      fails(
        'ensemble-mismatch',
        'model 1 differs from model 0 in structure: it has parameter',
        () => stackModuleState([mlp(), mlp('tanh', 5)]),
      );
      fails('ensemble-mismatch', 'its layers have other settings', () =>
        stackModuleState([mlp('tanh'), mlp('relu')]),
      );
      fails('ensemble-mismatch', 'it has 6 parameters and buffers, not 4', () =>
        stackModuleState([mlp(), withBatchNorm()]),
      );
      fails('ensemble-mismatch', 'expected an array of at least one model', () =>
        stackModuleState([]),
      );
    }),
  );
});

describeBackends('models: bad input', () => {
  const x = (): tf.Tensor => tf.ones([1, 2]);
  const dense = (): tf.Sequential =>
    tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [2], name: 'out'})]});

  const cases: [name: string, code: ErrorCode, message: string, call: () => unknown][] = [
    [
      'an unknown parameter, with the nearest name',
      'unknown-parameter',
      "has no parameter or buffer 'out/kernal'. Did you mean 'out/kernel'?",
      () => {
        const [f, params] = makeFunctional(dense());
        return f({...params, 'out/kernal': tf.ones([2, 1])}, x());
      },
    ],
    [
      'an unknown parameter that is like none, with those that there are',
      'unknown-parameter',
      "has no parameter or buffer 'weights'. It has 'out/kernel', 'out/bias'.",
      () => {
        const [f, params] = makeFunctional(dense());
        return f({...params, weights: tf.ones([2, 1])}, x());
      },
    ],
    [
      'an unknown buffer, with the nearest name',
      'unknown-parameter',
      "has no parameter or buffer 'norm/moving_means'. Did you mean 'norm/moving_mean'?",
      () => {
        const [f, params, buffers] = makeFunctionalWithBuffers(withBatchNorm());
        return f(params, {...buffers, 'norm/moving_means': tf.ones([4])}, tf.ones([1, 4, 4, 2]));
      },
    ],
    [
      'a missing parameter',
      'missing-parameter',
      "the parameter 'out/bias' (float32 [1]) of the model",
      () => {
        const [f, params] = makeFunctional(dense());
        return f({'out/kernel': params['out/kernel']!}, x());
      },
    ],
    [
      'a parameter of another shape',
      'parameter-mismatch',
      "the parameter 'out/bias' is float32 [2], but the model",
      () => {
        const [f, params] = makeFunctional(dense());
        return f({...params, 'out/bias': tf.ones([2])}, x());
      },
    ],
    [
      'a parameter of another dtype',
      'parameter-mismatch',
      "the parameter 'out/bias' is int32 [1], but the model",
      () => {
        const [f, params] = makeFunctional(dense());
        return f({...params, 'out/bias': tf.ones([1], 'int32')}, x());
      },
    ],
    [
      'a parameter that is no tensor',
      'parameter-mismatch',
      "the parameter 'out/bias' is the number 1, but the model",
      () => {
        const [f, params] = makeFunctional(dense());
        return f({...params, 'out/bias': 1 as never}, x());
      },
    ],
    [
      'stacked parameters without vmap',
      'parameter-mismatch',
      'Parameters of several models are for vmap(f, {inDims: [0, …]}).',
      () => {
        const [f, params] = combineStateForEnsemble([dense(), dense()]);
        return f(params, {}, x());
      },
    ],
    [
      'params that are no object',
      'parameter-mismatch',
      'params must be a plain object of tensors by name, but is float32 []',
      () => functionalCall(dense(), tf.scalar(1) as never, x()),
    ],
    [
      'a disposed parameter',
      'disposed-tensor',
      "the parameter 'out/bias' (float32 [1]) is disposed",
      () => {
        const [f, params] = makeFunctional(dense());
        params['out/bias']!.dispose();
        return f(params, x());
      },
    ],
    [
      'a model that is not built',
      'model-not-built',
      'is not built yet, so it has no parameters',
      () => makeFunctional(tf.layers.dense({units: 1})),
    ],
    [
      'a model without layers',
      'model-not-built',
      'Give its first layer an inputShape, call it once (model.predict(x)), or call model.build([null, …])',
      () => combineStateForEnsemble([tf.sequential()]),
    ],
    [
      'plain code whose variable is disposed',
      'disposed-tensor',
      "the module is disposed: its 'w' (float32 []) no longer has a value",
      () => {
        const w = tf.variable(tf.scalar(1));
        const module = {apply: (input: tf.Tensor) => input.mul(w), variables: {w}};
        w.dispose();
        return stackModuleState([module]);
      },
    ],
    [
      'a disposed model',
      'disposed-tensor',
      "is disposed: its 'out/kernel' (float32 [2, 1]) no longer has a value",
      () => {
        const model = dense();
        const [f, params] = makeFunctional(model);
        model.dispose();
        return f(params, x());
      },
    ],
    [
      'what is no model',
      'not-a-model',
      'functionalCall: expected a model, but got the number 3',
      () => functionalCall(3 as never, {}, x()),
    ],
    [
      'variables that are none',
      'not-a-model',
      "variables must be tf.Variables, but 'w' is float32 []",
      () => makeFunctional({apply: () => null, variables: {w: tf.scalar(1) as never}}),
    ],
    [
      'a stateful layer',
      'stateful-layer',
      "the layer 'memory' is stateful",
      () => {
        const layer = tf.layers.lstm({
          units: 1,
          stateful: true,
          batchInputShape: [1, 2, 1],
          name: 'memory',
        });
        const model = tf.sequential({layers: [layer]});
        tf.dispose((layer as unknown as {states_: tf.Tensor[]}).states_);
        return makeFunctional(model);
      },
    ],
    [
      'new buffers that nobody takes',
      'buffer-update',
      "assigned a new value (float32 [4]) to 'norm/moving_mean'",
      () => {
        const [f, params] = makeFunctional(withBatchNorm());
        return f(params, tf.ones([1, 4, 4, 2]), {training: true});
      },
    ],
    [
      'an unknown way with new buffers',
      'invalid-argument',
      "bufferUpdates must be 'error', 'return' or 'discard', but is a string",
      () => makeFunctionalWithBuffers(dense(), {bufferUpdates: 'drop' as never}),
    ],
  ];
  for (const [name, code, message, call] of cases) {
    it(
      `refuses ${name}`,
      tidily(() => fails(code, message, call)),
    );
  }

  it('a hundred steps leave nothing behind', () => {
    const model = dense();
    const [f, params] = makeFunctional(model);
    const input = tf.ones([4, 2]);
    const before = tf.memory().numTensors;
    for (let step = 0; step < 100; step++) {
      const perExample = vmap(
        grad((p: Params, one: tf.Tensor) => f(p, one.expandDims(0)).square().sum()),
        {inDims: [null, 0]},
      )(params, input);
      tf.dispose(perExample);
      expect(tf.memory().numTensors).to.equal(before);
    }
    tf.dispose([params, input] as never);
    model.dispose();
  });
});

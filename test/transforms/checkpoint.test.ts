import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {checkpoint, customVjp, install, scan, uninstall, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame, expectValues} from './values.js';

const tidied = (body: () => void) => (): void => {
  tf.tidy(() => {
    body();
  });
};

type Loss = () => tf.Scalar;

/** The gradients of two losses with respect to all variables: those of `tf.variableGrads`. */
function expectSameGradients(actual: Loss, expected: Loss, variables: tf.Variable[]): void {
  const [ours, plain] = [actual, expected].map((loss) => tf.variableGrads(loss, variables));
  expectSame(ours!.value, plain!.value);
  expect(Object.keys(ours!.grads)).to.deep.equal(Object.keys(plain!.grads));
  for (const name of Object.keys(plain!.grads)) {
    expectSame(ours!.grads[name]!, plain!.grads[name]!);
  }
}

const sum = (x: tf.Tensor): tf.Scalar => tf.sum(x) as tf.Scalar;
type Block = (x: tf.Tensor) => tf.Tensor;

describeBackends("checkpoint on tfjs's own tape", () => {
  const weights = (): tf.Variable[] =>
    [1, 2, 3].map((seed) => tf.variable(tf.randomNormal([3, 3], 0, 1, 'float32', seed)));
  const input = (): tf.Tensor => tf.randomNormal([2, 3], 0, 1, 'float32', 7);

  const withVariables = (body: (variables: tf.Variable[]) => void) => (): void => {
    const variables = tf.tidy(weights);
    tf.tidy(() => {
      body(variables);
    });
    tf.dispose(variables);
  };

  it(
    'has the gradients of variables that the function reads',
    withVariables((variables) => {
      const x = input();
      const loss = (wrap: (block: Block) => Block) => (): tf.Scalar => {
        const hidden = variables.reduce<tf.Tensor>(
          (h, w) => wrap((y) => tf.tanh(tf.matMul(tf.sin(y), w)))(h),
          x,
        );
        return sum(hidden.square());
      };
      expectSameGradients(
        loss(checkpoint),
        loss((block) => block),
        variables,
      );
    }),
  );

  it(
    'trains a tf.layers model as without it',
    tidied(() => {
      const x = input();
      const train = (wrap: (block: Block) => Block): tf.Tensor[] => {
        const layers = [1, 2, 3].map((seed) =>
          tf.layers.dense({
            units: 3,
            activation: 'tanh',
            kernelInitializer: tf.initializers.glorotNormal({seed}),
          }),
        );
        for (const layer of layers) layer.build([null, 3]);
        const optimizer = tf.train.sgd(0.05);
        for (let step = 0; step < 4; step++) {
          optimizer.minimize(() => {
            const blocks = layers.map((layer) => wrap((y) => layer.apply(y) as tf.Tensor));
            return sum(blocks.reduce((y, block) => block(y), x).square());
          });
        }
        const trained = layers.flatMap((layer) => layer.getWeights().map((w) => tf.clone(w)));
        for (const layer of layers) tf.dispose(layer.getWeights());
        optimizer.dispose();
        return trained;
      };
      const plain = train((block) => block);
      train(checkpoint).forEach((w, index) => expectSame(w, plain[index]!));
    }),
  );

  it(
    'has the gradients of what was computed before, and of what is handed back as it is',
    tidied(() => {
      const f = (wrap: (block: Block) => Block) => (w: tf.Tensor) => {
        const scaled = tf.mul(w, 3);
        const [a, b] = [(y: tf.Tensor) => tf.mul(y, tf.sin(scaled)), () => scaled];
        return sum(tf.add(wrap(a)(tf.exp(w)), tf.mul(wrap(b)(w), w)));
      };
      const w = tf.tensor1d([0.3, -0.7]);
      expectSame(tf.grad(f(checkpoint))(w), tf.grad(f((block) => block))(w));
    }),
  );

  it(
    'inside another one, under vmap and with derivatives of its own inside',
    withVariables((variables) => {
      const [w, v] = variables as [tf.Variable, tf.Variable];
      const x = input();
      const twice = customVjp(
        (y: tf.Tensor) => tf.mul(y, 2),
        (y: tf.Tensor) => [tf.mul(y, 2), null],
        (_: null, dy: tf.Tensor) => [tf.mul(dy, 2)],
      );
      const nested = (wrap: (block: Block) => Block) => (): tf.Scalar => {
        const inner = wrap((y) => tf.tanh(tf.dot(v, twice(y))));
        const outer = wrap((y) => tf.sin(tf.dot(w, inner(tf.add(inner(y), y)))));
        return sum(vmap((row: tf.Tensor) => outer(row))(x).square());
      };
      expectSameGradients(
        nested(checkpoint),
        nested((block) => block),
        [w, v],
      );
      const alone = (wrap: (block: Block) => Block) => (): tf.Scalar => {
        const inner = wrap((y) => tf.tanh(tf.matMul(y, v)));
        return sum(wrap((y) => tf.sin(tf.matMul(inner(tf.add(inner(y), y)), w)))(x));
      };
      expectSameGradients(
        alone(checkpoint),
        alone((block) => block),
        [w, v],
      );
    }),
  );

  it(
    'of the steps of a scan',
    withVariables(([w]) => {
      const xs = tf.randomNormal([5, 3], 0, 1, 'float32', 5);
      const loss = (size: boolean | number) => (): tf.Scalar => {
        const step = (h: tf.Tensor, x: tf.Tensor): [tf.Tensor, null] => [
          tf.tanh(tf.add(tf.dot(w!, h), x)),
          null,
        ];
        return sum(scan(step, tf.ones([3]), xs, {checkpoint: size})[0]);
      };
      for (const size of [true, 1, 2]) expectSameGradients(loss(size), loss(false), [w!]);
    }),
  );

  it(
    'takes integers, constants and variables that are not trained for constants',
    tidied(() => {
      const mean = tf.variable(tf.tensor1d([1, 2]), false);
      const w = tf.variable(tf.tensor1d([3, 4]));
      const places = tf.tensor1d([1, 0], 'int32');
      const block = checkpoint((x: tf.Tensor) =>
        tf.gather(tf.mul(tf.sub(x, mean), w), places).mul(tf.tensor1d([10, 1])),
      );
      const {grads} = tf.variableGrads(() => sum(block(tf.tensor1d([5, 7]))), [w]);
      expectValues(grads[w.name]!, [4, 50]);
      tf.dispose([mean, w]);
    }),
  );

  it(
    'keeps less alive between the passes',
    withVariables(([w]) => {
      const x = tf.randomNormal([256, 3], 0, 1, 'float32', 2);
      const peak = (wrap: (block: Block) => Block): number => {
        let bytes = 0;
        const before = tf.memory().numBytes;
        const {value, grads} = tf.variableGrads(() => {
          let y = x;
          for (let i = 0; i < 6; i++) {
            y = wrap((h) => tf.tidy(() => tf.tanh(tf.matMul(tf.relu(tf.sin(h)), w!))))(y);
          }
          bytes = tf.memory().numBytes - before;
          return sum(y);
        }, [w!]);
        tf.dispose([value, grads] as never);
        expect(tf.memory().numBytes).to.equal(before);
        return bytes;
      };
      expect(peak(checkpoint)).to.be.lessThan(0.6 * peak((block) => block));
    }),
  );

  it(
    'leaves nothing behind when the function throws, at once or when it is called again',
    withVariables(([w]) => {
      const x = input();
      for (const failing of [1, 2]) {
        let calls = 0;
        const block = checkpoint((y: tf.Tensor) => {
          const product = tf.matMul(y, w!);
          if (++calls === failing) throw new Error('mine');
          return product;
        });
        const before = tf.memory().numTensors;
        // tfjs leaves the value to the scope around it.
        expect(() => tf.tidy(() => tf.variableGrads(() => sum(block(x)), [w!]))).to.throw('mine');
        expect(tf.memory().numTensors).to.equal(before);
      }
    }),
  );

  it(
    'says so where a transform differentiates instead, as with install',
    withVariables(([w]) => {
      install();
      try {
        const block = checkpoint((y: tf.Tensor) => tf.matMul(y, w!));
        expect(() => tf.variableGrads(() => sum(block(tf.mul(input(), w!.mean()))), [w!])).to.throw(
          'the function given to checkpoint uses a tensor traced by tf.grad that is not one of its arguments',
        );
      } finally {
        uninstall();
      }
    }),
  );
});

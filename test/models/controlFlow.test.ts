import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  functionalCall,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  makeFunctional,
  vmap,
} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame, expectValues} from '../transforms/values.js';
import {
  forms,
  recurrent,
  rootOrProduct,
  roots,
  shrink,
  prefixSums,
  twice,
} from './controlFlow.graphs.js';
import {withModel} from './graphs.js';

type Params = Record<string, tf.Tensor>;

const numbers = (count: number): number[] =>
  Array.from({length: count}, (_, i) => Math.sin(i * 1.7 + 0.3));

const asynchronously = async (
  model: tf.GraphModel,
  inputs: tf.NamedTensorMap,
  output: string,
): Promise<tf.Tensor> => (await model.executeAsync(inputs, output)) as tf.Tensor;

const squares = (y: tf.Tensor): tf.Tensor => y.square().sum();

for (const form of forms) {
  describeBackends(`graph models with control flow: ${form.title}`, () => {
    const sums = (): tf.Tensor =>
      tf.tensor2d([
        [1, 3],
        [-1, -2],
        [0, 0],
        [2, 0.5],
      ]);

    it(
      'a branch: values as tfjs has them',
      withModel(
        () => rootOrProduct(form),
        async (model) => {
          const [f, params] = makeFunctional<tf.Tensor[]>(model);
          for (const x of tf.unstack(sums())) {
            const [y, z] = f(params, x, ['y', 'z']);
            expectSame(y!, await asynchronously(model, {x}, 'y'));
            expectSame(z!, await asynchronously(model, {x}, 'z'));
          }
        },
      ),
    );

    it(
      'a branch: gradients, where each example has its own, of the branch that it takes alone',
      withModel(
        () => rootOrProduct(form),
        (model) => {
          const [f, params] = makeFunctional(model);
          expect(Object.keys(params)).to.deep.equal(['w']);
          const inWords = (p: Params, x: tf.Tensor): tf.Tensor =>
            x.sum().dataSync()[0]! > 0 ? x.sum().sqrt().mul(p['w']!) : x.mul(p['w']!);
          const loss = (p: Params, x: tf.Tensor): tf.Tensor => squares(f(p, x, 'y'));
          const examples = tf.unstack(sums());
          const lossInWords = (p: Params, x: tf.Tensor): tf.Tensor => squares(inWords(p, x));
          const together = vmap(grad(loss, {argnums: [0, 1]}), {inDims: [null, 0]})(params, sums());
          const apart = examples.map((x) => grad(lossInWords, {argnums: [0, 1]})(params, x));
          expectSame(together[0]['w']!, tf.stack(apart.map(([ofParams]) => ofParams['w']!)));
          expectSame(together[1], tf.stack(apart.map(([, ofX]) => ofX)));
        },
      ),
    );

    it(
      'a branch: both modes, second derivatives, and all in one mapped batch',
      withModel(
        () => rootOrProduct(form),
        (model) => {
          const [f, params] = makeFunctional(model);
          const x = tf.tensor1d([1, 3]);
          const y = (input: tf.Tensor): tf.Tensor => f(params, input, 'y');
          expectValues(jacfwd(y)(x), [
            [0.5, 0.5],
            [0.75, 0.75],
          ]);
          expectValues(jacrev(y)(x), [
            [0.5, 0.5],
            [0.75, 0.75],
          ]);
          // y = √s w, so Σ y² = s |w|²; on the other side Σ (x w)².
          const second = vmap(hessian((input: tf.Tensor) => squares(y(input))))(
            tf.tensor2d([
              [1, 3],
              [-1, -2],
            ]),
          );
          expectValues(
            second,
            [
              [
                [0, 0],
                [0, 0],
              ],
              [
                [8, 0],
                [0, 18],
              ],
            ],
            {relative: 1e-4, absolute: 1e-4},
          );
        },
      ),
    );

    it(
      'a loop that ends by a value: values as tfjs has them, and gradients of a loop in JavaScript',
      withModel(
        () => shrink(form),
        async (model) => {
          const [f, params] = makeFunctional(model);
          const inWords = (p: Params, x: tf.Tensor): tf.Tensor => {
            let y = x;
            while (squares(y).dataSync()[0]! > 1) y = y.mul(p['w']!);
            return y;
          };
          const xs = tf.tensor2d([
            [4, -3],
            [0.1, 0.2],
            [-2, 9],
          ]);
          const loss = (p: Params, x: tf.Tensor): tf.Tensor => squares(f(p, x, 'y'));
          const lossInWords = (p: Params, x: tf.Tensor): tf.Tensor => squares(inWords(p, x));
          const looped = tf.unstack(xs);
          for (const x of looped) {
            expectSame(f(params, x, 'y'), await asynchronously(model, {x}, 'y'));
            expectSame(grad(loss)(params, x)['w']!, grad(lossInWords)(params, x)['w']!);
          }
          expectValues(vmap((x: tf.Tensor) => f(params, x, 'rounds'))(xs), [4, 0, 7]);
          const mapped = vmap(grad(loss), {inDims: [null, 0]})(params, xs);
          expectSame(mapped['w']!, tf.stack(looped.map((x) => grad(lossInWords)(params, x)['w']!)));
          const tangent = tf.tensor2d([
            [1, 0.5],
            [-1, 2],
            [0.3, -0.2],
          ]);
          const [, pushed] = jvp(
            vmap((x: tf.Tensor) => f(params, x, 'y')),
            [xs],
            [tangent],
          );
          const alone = looped.map(
            (x, i) =>
              jvp((input: tf.Tensor) => inWords(params, input), [x], [tangent.gather(i)])[1],
          );
          expectSame(pushed, tf.stack(alone));
        },
      ),
    );

    it(
      'a recurrent network: values as tfjs has them, derivatives of a loop in JavaScript',
      withModel(
        () => recurrent(form),
        async (model) => {
          const [f, params] = makeFunctional(model);
          const x = tf.tensor3d(numbers(4 * 5 * 3), [4, 5, 3]);
          const h = tf.tensor2d(numbers(10), [5, 2]);
          const inWords = (p: Params, xs: tf.Tensor, state: tf.Tensor): tf.Tensor => {
            const states: tf.Tensor[] = [];
            for (const row of tf.unstack(xs)) {
              state = tf.tanh(row.matMul(p['w']!).add(state.matMul(p['u']!)));
              states.push(state);
            }
            return tf.stack(states);
          };
          expectSame(f(params, {x, h}, 'y'), await asynchronously(model, {x, h}, 'y'));
          expectSame(f(params, {x, h}, 'y'), inWords(params, x, h));
          const loss = (p: Params, xs: tf.Tensor, state: tf.Tensor): tf.Tensor =>
            squares(f(p, {x: xs, h: state}, 'y'));
          const lossInWords = (p: Params, xs: tf.Tensor, state: tf.Tensor): tf.Tensor =>
            squares(inWords(p, xs, state));
          const gradients = grad(loss, {argnums: [0, 1, 2]})(params, x, h);
          const expected = grad(lossInWords, {argnums: [0, 1, 2]})(params, x, h);
          expectSame(gradients[1], expected[1]);
          expectSame(gradients[2], expected[2]);
          for (const name of ['w', 'u']) expectSame(gradients[0][name]!, expected[0][name]!);
          const perExample = (g: typeof loss): Params =>
            vmap(
              grad((p: Params, xs: tf.Tensor, state: tf.Tensor) =>
                g(p, xs.expandDims(1), state.expandDims(0)),
              ),
              {inDims: [null, 1, 0]},
            )(params, x, h);
          expectSame(perExample(loss)['u']!, perExample(lossInWords)['u']!);
          expectSame(
            jvp(grad(loss), [params, x, h], [params, x, h])[1]['u']!,
            jvp(grad(lossInWords), [params, x, h], [params, x, h])[1]['u']!,
          );
        },
      ),
    );

    it(
      'what a loop would compute for examples that have stopped spoils no gradient',
      withModel(
        () => roots(form),
        (model) => {
          const [f, params] = makeFunctional(model);
          // After one round y is √x: at x = 1 another one would divide by √0.
          const [x, n] = [tf.tensor1d([1, 4, 9]), tf.tensor1d([1, 2, 0], 'int32')];
          const loss = (p: Params, input: tf.Tensor, count: tf.Tensor): tf.Tensor =>
            f(p, {x: input, n: count}, 'y').sum();
          const [ofParams, ofX] = vmap(grad(loss, {argnums: [0, 1]}), {inDims: [null, 0, 0]})(
            params,
            x,
            n,
          );
          // √(4 - √4) has the derivative (1 - 1 / 4) / (2 √2), and four times that with respect to w.
          const second = 0.75 / (2 * Math.SQRT2);
          expectValues(ofX, [0.5, second, 0]);
          expectValues(ofParams['w']!, [[0.5], [4 * second], [0]]);
        },
      ),
    );

    it(
      'a loop that fills a list for some examples further than for others: the rest is zeros',
      withModel(
        () => prefixSums(form),
        (model) => {
          const f = (x: tf.Tensor, n: tf.Tensor): tf.Tensor =>
            functionalCall<tf.Tensor>(model, {zero: tf.scalar(0)}, {x, n}, 'y');
          const x = tf.tensor2d([
            [1, 2, 3, 4],
            [5, 6, 7, 8],
            [9, 8, 7, 6],
          ]);
          const n = tf.tensor1d([2, 4, 1], 'int32');
          const filled = [
            [1, 3, 0, 0],
            [5, 11, 18, 26],
            [9, 0, 0, 0],
          ];
          expectValues(vmap(f)(x, n), filled);
          expectValues(f(x.gather(0), tf.scalar(2, 'int32')), filled[0]!);
          const loss = (value: tf.Tensor, count: tf.Tensor): tf.Tensor => f(value, count).sum();
          const slopes = [
            [2, 1, 0, 0],
            [4, 3, 2, 1],
            [1, 0, 0, 0],
          ];
          expectValues(vmap(grad(loss))(x, n), slopes);
        },
      ),
    );

    it(
      'branches one after the other, decided by the same predicate',
      withModel(
        () => twice(form),
        (model) => {
          const [f, params] = makeFunctional(model);
          const loss = (p: Params, x: tf.Tensor): tf.Tensor => f(p, x, 'y').sum();
          const x = tf.tensor1d([3, -3, 0]);
          expectValues(vmap(loss, {inDims: [null, 0]})(params, x), [36, 8, 5]);
          const [ofParams, ofX] = vmap(grad(loss, {argnums: [0, 1]}), {inDims: [null, 0]})(
            params,
            x,
          );
          expectValues(ofX, [24, -1, -1]);
          expectValues(ofParams['w']!, [[0], [1], [1]]);
        },
      ),
    );

    it(
      'leave nothing behind, after an error in a loop too',
      withModel(
        () => recurrent(form),
        (model) => {
          const [f, params] = makeFunctional(model);
          const x = tf.tensor3d(numbers(4 * 5 * 3), [4, 5, 3]);
          const h = tf.tensor2d(numbers(10), [5, 2]);
          const loss = (p: Params, state: tf.Tensor): tf.Tensor =>
            squares(f(p, {x, h: state}, 'y'));
          const before = tf.memory().numTensors;
          for (let step = 0; step < 3; step++) {
            tf.dispose(grad(loss)(params, h));
            tf.dispose(f(params, {x, h}, 'y'));
            expect(tf.memory().numTensors).to.equal(before);
          }
          expect(() => grad(loss)(params, tf.ones([7, 2]))).to.throw();
          // The tensor that the test has made itself.
          expect(tf.memory().numTensors).to.equal(before + 1);
        },
      ),
    );

    it(
      'are captured in a graph where no value that depends on the arguments decides',
      withModel(
        () => recurrent(form),
        (model) => {
          const [f, params] = makeFunctional(model);
          const x = tf.tensor3d(numbers(4 * 5 * 3), [4, 5, 3]);
          const h = tf.tensor2d(numbers(10), [5, 2]);
          const g = (p: Params, xs: tf.Tensor, state: tf.Tensor): tf.Tensor =>
            f(p, {x: xs, h: state}, 'y');
          const compiled = jit(g);
          expectSame(compiled(params, x, h), g(params, x, h));
          compiled.dispose();
        },
      ),
    );
  });
}

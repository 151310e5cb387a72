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
  TransformError,
  vmap,
} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame, expectValues} from '../transforms/values.js';
import {
  forms,
  inGraph,
  recurrent,
  rootOrProduct,
  roots,
  shrink,
  prefixSums,
  twice,
} from './controlFlow.graphs.js';
import {GraphBuilder} from './graphs.js';

type Params = Record<string, tf.Tensor>;
type Model = tf.GraphModel<tf.io.IOHandlerSync>;

const numbers = (count: number): number[] =>
  Array.from({length: count}, (_, i) => Math.sin(i * 1.7 + 0.3));

/** A test of a model, which must be as it was before; tensors that the test makes are freed. */
const withModel =
  (make: () => Model, body: (model: tf.GraphModel) => void | Promise<void>) =>
  async (): Promise<void> => {
    const model = make();
    const before = tf.memory().numTensors;
    tf.engine().startScope();
    try {
      await body(model as unknown as tf.GraphModel);
    } finally {
      tf.engine().endScope();
    }
    expect(tf.memory().numTensors).to.equal(before);
    model.dispose();
  };

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

describeBackends('graph models with control flow', () => {
  const listOf = {element_dtype: {type: 'DT_FLOAT'}};

  it(
    'call functions, also of functions, and stop gradients where they say so',
    withModel(
      () => {
        const graph = new GraphBuilder();
        const nodes = inGraph(graph);
        const x = graph.input('x', [2]);
        const float = {T: {type: 'DT_FLOAT'}};
        graph.define('squared', ['a'], {r: 's:y:0'}, [
          {name: 's', op: 'Square', input: ['a'], attr: float},
        ]);
        graph.define('outer', ['a', 'b'], {p: 'm:z:0', q: 'c:output:0'}, [
          {name: 'c', op: 'PartitionedCall', input: ['a'], attr: {f: {func: {name: 'squared'}}}},
          {name: 'm', op: 'Mul', input: ['c:output:0', 'b'], attr: float},
        ]);
        const stopped = nodes.node('stopped', 'StopGradient', [x]);
        nodes.node('call', 'StatefulPartitionedCall', [x, stopped], {f: {func: {name: 'outer'}}});
        nodes.node('y', 'Identity', ['call']);
        nodes.node('z', 'Identity', ['call:1']);
        return graph.build();
      },
      (model) => {
        const f = (x: tf.Tensor): tf.Tensor => functionalCall<tf.Tensor>(model, {}, x, 'y');
        const x = tf.tensor1d([2, 3]);
        expectValues(f(x), [8, 27]);
        expectValues(functionalCall<tf.Tensor>(model, {}, x, 'z'), [4, 9]);
        // The third factor is a constant.
        expectValues(grad((value: tf.Tensor) => f(value).sum())(x), [8, 18]);
      },
    ),
  );

  it(
    'work on lists of every kind, and TensorArrays',
    withModel(
      () => {
        const graph = new GraphBuilder();
        const x = graph.input('x', [4, 2]);
        const n = (name: string, values: number[]): string =>
          graph.integers(name, values.length === 1 ? [] : [values.length], values);
        const shape = graph.integers('shape', [1], [2]);
        const node = (name: string, op: string, input: string[]): string =>
          graph.node(name, op, input, {...listOf, dtype: {type: 'DT_FLOAT'}});
        const rows = node('rows', 'TensorListFromTensor', [x, shape]);
        const empty = node('empty', 'EmptyTensorList', [shape, n('most', [-1])]);
        const third = node('third', 'TensorListGetItem', [rows, n('two', [2]), shape]);
        const pushed = node('pushed', 'TensorListPushBack', [empty, third]);
        node('popped', 'TensorListPopBack', [pushed, shape]);
        node('a', 'Identity', ['popped:1']);
        node('b', 'TensorListGather', [rows, n('some', [3, 1]), shape]);
        const scattered = node('scattered', 'TensorListScatterV2', [
          'b',
          'some',
          shape,
          n('six', [6]),
        ]);
        node('c', 'TensorListStack', [scattered, shape]);
        node('d', 'TensorListConcatV2', [rows]);
        const parts = node('parts', 'TensorListSplit', ['d', shape, n('lengths', [2, 6])]);
        node('e', 'TensorListConcat', [parts]);
        const resized = node('resized', 'TensorListResize', [rows, n('five', [5])]);
        node('f', 'TensorListLength', [resized]);
        node('array', 'TensorArrayV3', [n('three', [3])]);
        const flow = node('flow', 'TensorArrayWriteV3', ['array', n('one', [1]), third, 'array:1']);
        const more = node('more', 'TensorArrayScatterV3', ['array', n('ends', [0, 2]), 'b', flow]);
        node('g', 'TensorArrayGatherV3', ['array', n('order', [2, 1, 0]), more]);
        node('h', 'TensorArrayReadV3', ['array', 'one', more]);
        node('i', 'TensorArraySizeV3', ['array', more]);
        node('j', 'TensorArrayConcatV3', ['array', more]);
        return graph.build();
      },
      (model) => {
        const x = tf.tensor2d([
          [1, 2],
          [3, 4],
          [5, 6],
          [7, 8],
        ]);
        const f = (value: tf.Tensor, output: string): tf.Tensor =>
          functionalCall<tf.Tensor>(model, {}, value, output);
        expectValues(f(x, 'a'), [5, 6]);
        expectValues(f(x, 'b'), [
          [7, 8],
          [3, 4],
        ]);
        expectValues(f(x, 'c'), [
          [0, 0],
          [3, 4],
          [0, 0],
          [7, 8],
          [0, 0],
          [0, 0],
        ]);
        expectValues(f(x, 'd'), [1, 2, 3, 4, 5, 6, 7, 8]);
        expectValues(f(x, 'e'), [1, 2, 3, 4, 5, 6, 7, 8]);
        expectValues(f(x, 'f'), 5);
        expectValues(f(x, 'g'), [
          [3, 4],
          [5, 6],
          [7, 8],
        ]);
        expectValues(f(x, 'h'), [5, 6]);
        expectValues(f(x, 'i'), 3);
        expectValues(f(x, 'j'), [7, 8, 5, 6, 3, 4]);
        const xs = tf.stack([x, x.neg()]);
        for (const output of ['c', 'e', 'g']) {
          const loss = (value: tf.Tensor): tf.Tensor => f(value, output).pow(3).sum();
          expectSame(vmap(grad(loss))(xs), tf.stack(tf.unstack(xs).map((one) => grad(loss)(one))));
        }
      },
    ),
  );

  it(
    'lists take and give elements whose numbers differ between the examples of a vmap',
    withModel(
      () => {
        const graph = new GraphBuilder();
        const x = graph.input('x', [3]);
        const at = graph.input('at', [], 'DT_INT32');
        const shape = graph.integers('shape', [], [-1]);
        const rows = graph.node('rows', 'TensorListFromTensor', [x, shape], listOf);
        const got = graph.node('got', 'TensorListGetItem', [rows, at, shape], listOf);
        const three = graph.integers('three', [], [3]);
        const fresh = graph.node('fresh', 'TensorListReserve', [shape, three], listOf);
        const set = graph.node('set', 'TensorListSetItem', [fresh, at, got], listOf);
        graph.node('y', 'TensorListStack', [set, shape], listOf);
        return graph.build();
      },
      (model) => {
        const f = (x: tf.Tensor, at: tf.Tensor): tf.Tensor =>
          functionalCall<tf.Tensor>(model, {}, {x, at}, 'y');
        const x = tf.tensor2d([
          [1, 2, 3],
          [4, 5, 6],
        ]);
        const at = tf.tensor1d([2, 0], 'int32');
        expectValues(vmap(f)(x, at), [
          [0, 0, 3],
          [4, 0, 0],
        ]);
        const loss = (value: tf.Tensor, index: tf.Tensor): tf.Tensor => squares(f(value, index));
        expectValues(vmap(grad(loss))(x, at), [
          [0, 0, 6],
          [8, 0, 0],
        ]);
        expect(() => vmap(f)(x, tf.tensor1d([0, 3], 'int32'))).to.throw(
          "node 'got' (TensorListGetItem) takes element 3 of a list of 3",
        );
      },
    ),
  );

  const refused: [title: string, message: string, build: (graph: GraphBuilder) => void][] = [
    [
      'shapes that depend on values',
      "node 'y' (Where) gives a result whose shape depends on values",
      (graph) => graph.node('y', 'Where', [graph.input('x', [2])]),
    ],
    [
      'tables',
      "node 'y' (LookupTableFindV2) looks values up in a table",
      (graph) => {
        const x = graph.input('x', [2]);
        graph.node('y', 'LookupTableFindV2', [x, x, x]);
      },
    ],
    [
      'a branch that nothing joins with the other',
      "node 'gate' (Switch) leads to a branch that may not run",
      (graph) => {
        const x = graph.input('x', [2]);
        const axis = graph.integers('axis', [1], [0]);
        const decided = graph.node('decided', 'Any', [
          graph.node('b', 'Cast', [x], {DstT: {type: 'DT_BOOL'}}),
          axis,
        ]);
        graph.node('gate', 'Switch', [x, decided]);
        graph.node('y', 'Neg', ['gate:1']);
      },
    ],
    [
      'a Merge of what no Switch decides',
      "node 'y' (Merge) takes inputs that no single Switch decides between",
      (graph) => {
        const x = graph.input('x', [2]);
        graph.node('y', 'Merge', [x, x]);
      },
    ],
    [
      'random numbers that two results of a branch share, of which one is needed before the other',
      'joins branches that draw random numbers for several results, of which one is needed before another',
      (graph) => {
        const x = graph.input('x', [2]);
        const predicate = (name: string, limit: number): string => {
          const axis = graph.integers(`${name}/axis`, [1], [0]);
          const sum = graph.node(`${name}/sum`, 'Sum', [x, axis], {keep_dims: {b: false}});
          return graph.node(name, 'Greater', [sum, graph.weight(`${name}/limit`, [], [limit])]);
        };
        const [p, q] = [predicate('p', 0), predicate('q', 1)];
        const gate = graph.node('gate', 'Switch', [x, p]);
        const size = graph.integers('size', [1], [2]);
        const draws = graph.node('draws', 'RandomUniform', [size, 'gate:1'], {
          dtype: {type: 'DT_FLOAT'},
        });
        const a = graph.node('a', 'Merge', [gate, draws]);
        const other = graph.node('other', 'Switch', [x, q]);
        const b = graph.node('b', 'Merge', [other, 'other:1']);
        const again = graph.node('again', 'Switch', [b, p]);
        const sum = graph.node('sum', 'AddV2', [draws, 'again:1']);
        graph.node('y', 'AddV2', [a, graph.node('c', 'Merge', [again, sum])]);
      },
    ],
    [
      'what leaves no loop',
      "node 'y' (Exit) is the end of no loop of the usual form",
      (graph) => graph.node('y', 'Exit', [graph.input('x', [2])]),
    ],
    [
      'a frame without a condition',
      "node 'enter' (Enter) enters the frame 'f', which is no loop of the usual form: it has 0 conditions",
      (graph) => {
        const attr = {frame_name: {s: btoa('f')}, is_constant: {b: true}};
        graph.node('y', 'Neg', [graph.node('enter', 'Enter', [graph.input('x', [2])], attr)]);
      },
    ],
    [
      'functions that are not there',
      "node 'y' (PartitionedCall) calls the function 'gone', which the model does not have",
      (graph) =>
        graph.node('y', 'PartitionedCall', [graph.input('x', [2])], {f: {func: {name: 'gone'}}}),
    ],
    [
      'lists as outputs',
      "node 'y' (TensorListFromTensor) gives a list of tensors, which is no output of a model",
      (graph) => {
        const x = graph.input('x', [2]);
        graph.node('y', 'TensorListFromTensor', [x, graph.integers('shape', [0], [])], listOf);
      },
    ],
    [
      'lists where tensors belong',
      "node 'y' (Neg) takes a list of tensors, which only list ops do",
      (graph) => {
        const x = graph.input('x', [2]);
        const shape = graph.integers('shape', [0], []);
        graph.node('y', 'Neg', [graph.node('list', 'TensorListFromTensor', [x, shape], listOf)]);
      },
    ],
    [
      'elements of lists that were never set',
      "node 'y' (TensorListStack) takes an element that was never set, and whose shape is not known",
      (graph) => {
        graph.input('x', [2]);
        const shape = graph.integers('shape', [1], [-1]);
        const list = graph.node(
          'list',
          'TensorListReserve',
          [shape, graph.integers('n', [], [3])],
          listOf,
        );
        graph.node('y', 'TensorListStack', [list, shape], listOf);
      },
    ],
    [
      'ops without a form here',
      "node 'y' (TensorArrayCloseV3) closes a TensorArray, which is not supported",
      (graph) => graph.node('y', 'TensorArrayCloseV3', [graph.input('x', [2])]),
    ],
  ];
  for (const [title, message, build] of refused) {
    it(`refuse ${title}, by name`, () => {
      const graph = new GraphBuilder();
      build(graph);
      const model = graph.build() as unknown as tf.GraphModel;
      tf.tidy(() => {
        const x = tf.ones([2]);
        const before = tf.memory().numTensors;
        expect(() =>
          grad((value: tf.Tensor) => functionalCall<tf.Tensor>(model, {}, value, 'y').sum())(x),
        )
          .to.throw(TransformError, message)
          .with.property('code', 'unsupported-op');
        expect(tf.memory().numTensors).to.equal(before);
      });
      model.dispose();
    });
  }

  it('refuse ops of your own that give promises', () => {
    tf.registerOp('Promised', ({inputs}) => Promise.resolve(inputs[0]!));
    const graph = new GraphBuilder();
    graph.node('y', 'Promised', [graph.input('x', [2])]);
    const model = graph.build() as unknown as tf.GraphModel;
    tf.tidy(() => {
      expect(() => functionalCall(model, {}, tf.ones([2])))
        .to.throw(TransformError, 'an op that was registered with tf.registerOp gives a promise')
        .with.property('code', 'async-function');
    });
    model.dispose();
    tf.deregisterOp('Promised');
  });
});

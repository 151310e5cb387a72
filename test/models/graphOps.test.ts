import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {functionalCall, grad, TransformError, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame, expectValues} from '../transforms/values.js';
import {inGraph} from './controlFlow.graphs.js';
import {GraphBuilder, withModel} from './graphs.js';

const squares = (y: tf.Tensor): tf.Tensor => y.square().sum();

describeBackends('graph models: functions, lists and what is refused', () => {
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

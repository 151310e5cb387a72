import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  Graph,
  Interpreter,
  lastUses,
  Transformer,
  type KernelNode,
  type PerInput,
  type Value,
} from '../../src/compile/index.js';
import {makeFx} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectClose, expectError, kernelsOf, tidied} from './support.js';

const spec = {shape: [2], dtype: 'float32'} as const;

/** `sin(x) + x` */
function sample(): {graph: Graph; x: Value; sin: Value; add: Value} {
  const graph = new Graph();
  const x = graph.addInput(spec);
  const unary = {attrs: {}, outputs: [spec]};
  const [sin] = graph.addKernel({kernel: 'Sin', inputs: {x}, ...unary});
  const [add] = graph.addKernel({kernel: 'Add', inputs: {a: sin!, b: x}, ...unary});
  graph.setOutputs([add!]);
  return {graph, x, sin: sin!, add: add!};
}

describeBackends('graphs', () => {
  it(
    'are built, changed, and run',
    tidied(() => {
      const {graph, x, sin, add} = sample();
      graph.lint();
      expect(graph.users(x).map(({name}) => name)).to.deep.equal(['sin', 'add']);
      expect(graph.usersOfAll().get(sin)).to.deep.equal(graph.users(sin));
      const input = tf.tensor1d([1, 2]);
      expectClose(new Interpreter(graph).run([input]), [tf.add(tf.sin(input), input)]);
      const interpreter = new Interpreter(graph);
      expectClose(interpreter.run([input]), [tf.add(tf.sin(input), input)]);
      const spec1 = {kernel: 'Cos', inputs: {x}, attrs: {}, outputs: [spec]};
      const [cos] = graph.addKernel(spec1, {before: sin.node});
      graph.replaceAllUses(sin, cos!);
      graph.erase(sin.node);
      graph.lint();
      expect(kernelsOf(graph)).to.deep.equal(['Cos', 'Add']);
      expectClose(interpreter.run([input]), [tf.add(tf.cos(input), input)]);
      graph.replaceAllUses(add, x);
      expect(graph.outputs).to.deep.equal([x]);
      const [same] = interpreter.run([input]);
      expect(same).not.to.equal(input);
      expectClose(same, input);
    }),
  );

  it(
    'are copied without sharing nodes',
    tidied(() => {
      const {graph, sin} = sample();
      const values = new Map<Value, Value>();
      const copy = graph.clone(values);
      copy.setOutputs([values.get(sin)!]);
      expect(graph.outputs[0]!.name).to.equal('add');
      expectClose(new Interpreter(copy).run([tf.tensor1d([1, 2])]), [tf.sin(tf.tensor1d([1, 2]))]);
    }),
  );

  it('refuse what can not run', () => {
    const {graph, sin} = sample();
    expectError('invalid-graph', /'sin' can't be erased: add uses 'sin'/, () =>
      graph.erase(sin.node),
    );
    const other = sample();
    graph.setOutputs([other.sin]);
    expectError('invalid-graph', /the output 'sin' is not in the graph/, () => graph.lint());
    graph.setInputs(graph.kernels[1]!, {a: other.sin, b: other.sin});
    expectError('invalid-graph', /'add' takes 'sin', which is not in the graph/, () =>
      graph.lint(),
    );
    graph.setInputs(graph.kernels[0]!, {x: graph.kernels[1]!.outputs[0]!});
    expectError('invalid-graph', /'sin' takes 'add', which is computed after it/, () =>
      graph.lint(),
    );
    const x = tf.tensor1d([1, 2, 3]);
    expectError('graph-mismatch', /input 0 \('x'\) is float32 \[2\], but got float32 \[3\]/, () =>
      new Interpreter(other.graph).run([x]),
    );
    expectError('graph-mismatch', /has 1 inputs, but got 0/, () =>
      new Interpreter(other.graph).run([]),
    );
    x.dispose();
  });

  it('give names that are free, in JavaScript too', () => {
    const graph = new Graph();
    const names = ['x', 'x', 'x_1', 'if', '2d', 'a/b', ''].map(
      (name) => graph.addInput(spec, name).name,
    );
    expect(names).to.deep.equal(['x', 'x_1', 'x_1_1', 'if_', '_2d', 'a_b', '_']);
    const input = {kernel: 'SplitV', inputs: {x: graph.inputs[0]!.outputs[0]!}, attrs: {}};
    const outputs = graph.addKernel({...input, outputs: [spec, spec], givesList: true});
    expect(outputs.map(({name}) => name)).to.deep.equal(['splitV_0', 'splitV_1']);
    expect(graph.addInput(spec, 'splitV_1').name).to.equal('splitV_1_1');
  });

  it(
    'know where values are used for the last time, and free them there',
    tidied(() => {
      const {graph, sin, add} = sample();
      const uses = lastUses(graph);
      expect(uses.get(sin.node as KernelNode)).to.deep.equal([]);
      expect(uses.get(add.node as KernelNode)).to.deep.equal([sin]);
      let most = 0;
      class Watching extends Interpreter {
        protected override runNode(node: KernelNode, inputs: PerInput<tf.Tensor>) {
          most = Math.max(most, tf.memory().numTensors);
          return super.runNode(node, inputs);
        }
      }
      const chain = makeFx((x: tf.Tensor) => {
        let y = x;
        for (let i = 0; i < 20; i++) y = tf.sin(y);
        return y;
      })(tf.ones([2]));
      const input = tf.ones([2]);
      const before = tf.memory().numTensors;
      new Watching(chain.graph).run([input]);
      expect(most - before).to.be.at.most(2);
    }),
  );

  it(
    'can be rewritten by a Transformer, which leaves nothing behind when it throws',
    tidied((own) => {
      const f = (x: tf.Tensor) => tf.mul(tf.sin(x), tf.tensor1d([2, 3]));
      const graph = own(makeFx(f)(tf.ones([2])));
      class SinToCos extends Transformer {
        protected override transformNode(node: KernelNode, inputs: PerInput<Value>) {
          return super.transformNode(
            node.kernel === 'Sin' ? {...node, kernel: 'Cos'} : node,
            inputs,
          );
        }
      }
      class Failing extends Transformer {
        protected override transformNode(node: KernelNode, inputs: PerInput<Value>) {
          const added = super.transformNode(node, inputs);
          if (node.kernel === 'Multiply') throw new Error('no products');
          return added;
        }
      }
      const changed = own(graph.apply((graph) => new SinToCos(graph).transform()));
      expectClose(changed(tf.tensor1d([0, 0])), tf.tensor1d([2, 3]));
      const before = tf.memory().numTensors;
      expect(() => graph.apply((graph) => new Failing(graph).transform())).to.throw('no products');
      expect(tf.memory().numTensors).to.equal(before);
      const other = own(makeFx((x: tf.Tensor) => tf.mul(x, x.shape[0]!))(tf.ones([3])));
      expectError('invalid-graph', /the pass gave a graph with other inputs or outputs/, () =>
        graph.apply(() => other.graph.clone()),
      );
    }),
  );
});

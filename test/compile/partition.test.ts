import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import * as compile from '../../src/compile/index.js';
import {FlowNetwork} from '../../src/compile/maxFlow.js';
import {grad} from '../../src/index.js';
import {tensorsOf} from '../../src/tree.js';
import {describeBackends} from '../backends.js';
import {Random} from '../support/random.js';
import {programs} from './programs.js';
import {expectClose, kernelsOf, tidied, type F} from './support.js';

const {aotFunction, defaultPartition, minCutPartition, minCutRematerializationPartition} = compile;

/** What is saved, by name, and what the reverse pass computes. */
function cut(
  f: (...args: tf.Tensor[]) => unknown,
  args: readonly tf.Tensor[],
  partitionFn: compile.PartitionFunction,
): {saved: string[]; backward: string[]; bytes: number} {
  const aot = aotFunction(f, {partitionFn});
  const {joint, forward, backward} = aot.graphs(...args);
  const saved = backward.inputs.slice(0, forward.outputs.length - joint.numOutputs);
  const result = {
    saved: saved.map(({name}) => name),
    backward: kernelsOf(backward),
    bytes: compile.savedBytes({forward, backward}, joint),
  };
  aot.dispose();
  return result;
}

/** Twelve elementwise kernels. */
const chain: F = (x) => {
  let y = x;
  for (let i = 0; i < 4; i++) y = tf.sin(tf.mul(tf.tanh(y), 0.9));
  return y;
};

describe('FlowNetwork', () => {
  it('finds maximal flows and cuts of that capacity, in random networks', () => {
    const random = new Random('flow networks');
    for (let round = 0; round < 200; round++) {
      const count = random.integer(2, 8);
      const network = new FlowNetwork();
      for (let i = 0; i < count; i++) network.addNode();
      const edges = Array.from({length: random.integer(0, 16)}, () => ({
        from: random.integer(0, count),
        to: random.integer(0, count),
        capacity: random.integer(0, 10),
      })).filter(({from, to}) => from !== to);
      for (const {from, to, capacity} of edges) network.addEdge(from, to, capacity);
      const across = (isSink: (node: number) => boolean): number =>
        edges.reduce(
          (sum, {from, to, capacity}) => sum + (!isSink(from) && isSink(to) ? capacity : 0),
          0,
        );
      // Node 0 is the source, node 1 the sink, the others are on either side.
      let smallest = Infinity;
      for (let sides = 0; sides < 2 ** (count - 2); sides++) {
        const isSink = (node: number) =>
          node === 1 || (node > 1 && ((sides >> (node - 2)) & 1) === 1);
        smallest = Math.min(smallest, across(isSink));
      }
      expect(network.maximize(0, 1)).to.equal(smallest);
      const sinkSide = network.sinkSide(1);
      expect(sinkSide[0]).to.equal(false);
      expect(across((node) => sinkSide[node]!)).to.equal(smallest);
    }
  });
});

describeBackends('partitions', () => {
  it(
    'save as known for known functions',
    tidied(() => {
      const x = tf.ones([8, 8]);
      const w = tf.ones([8, 8]);
      const product = (x: tf.Tensor, w: tf.Tensor) => tf.sum(tf.sigmoid(tf.matMul(x, w)));
      expect(cut(product, [x, w], defaultPartition).saved).to.have.members(['x0', 'x1', 'sigmoid']);
      // The product isn't computed again. Of what follows, the slope takes as many bytes, and leaves least to compute.
      const small = cut(product, [x, w], minCutRematerializationPartition);
      expect(small.saved).to.have.members(['x0', 'x1', 'multiply']);
      expect(small.backward).to.not.include.members(['Sigmoid']);

      const gelu = (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, 0.7)), 1));
      expect(cut(gelu, [x], defaultPartition).saved.length).to.be.greaterThan(1);
      expect(cut(gelu, [x], minCutRematerializationPartition).saved).to.deep.equal(['x0']);

      // A mean is small: it is saved beside x, not computed again from it.
      const centered = (x: tf.Tensor) => tf.square(tf.sub(x, tf.mean(x, 1, true)));
      expect(cut(centered, [x], minCutRematerializationPartition).saved).to.have.length(1);
      const bias = (x: tf.Tensor, b: tf.Tensor) => tf.tanh(tf.exp(tf.add(x, b)));
      const biased = cut(bias, [x, tf.ones([8])], minCutRematerializationPartition);
      expect(biased.bytes).to.equal(256);
      const nothing = cut((x) => tf.mul(x, 3), [x], minCutRematerializationPartition);
      expect(nothing.saved).to.deep.equal([]);
    }),
  );

  it(
    'by minimal cut save the argument of a chain, and compute the chain again',
    tidied(() => {
      const x = tf.ones([16]);
      const before = cut(chain, [x], defaultPartition);
      expect(before.bytes).to.be.at.least(8 * 64);
      const after = cut(chain, [x], minCutRematerializationPartition);
      expect(after.saved).to.deep.equal(['x0']);
      expect(after.bytes).to.equal(64);
      expect(after.backward.filter((kernel) => kernel === 'Tanh')).to.have.length(4);
      const fused = compile.memoryEfficientFusion(chain);
      const {joint, forward, backward} = fused.graphs(x);
      const inputs = new Set(forward.inputs.map((node) => node.outputs[0]!));
      const saved = forward.outputs.slice(joint.numOutputs);
      expect(saved.length).to.be.greaterThan(0);
      for (const value of saved) expect(inputs.has(value)).to.equal(true);
      expect(backward.inputs.length).to.equal(saved.length + 1);
      const total = (f: F) => grad((x: tf.Tensor) => tf.sum(tf.square(f(x))))(x);
      expectClose(total(fused), total(chain));
      fused.dispose();
    }),
  );

  it(
    'by minimal cut never save more bytes than by default',
    tidied(() => {
      for (const program of programs) {
        const {f, args} = program.make();
        const flat = tensorsOf(args);
        const onTensors = (...tensors: tf.Tensor[]): unknown => {
          let next = 0;
          const rebuilt = args.map((arg) => {
            if (arg instanceof tf.Tensor) return tensors[next++];
            const names = Object.keys(arg as object);
            return Object.fromEntries(names.map((name) => [name, tensors[next++]]));
          });
          return (f as (...args: unknown[]) => unknown)(...rebuilt);
        };
        const most = cut(onTensors, flat, defaultPartition).bytes;
        const least = cut(onTensors, flat, minCutRematerializationPartition).bytes;
        const everything = cut(onTensors, flat, minCutPartition({canRecompute: () => true})).bytes;
        const inputs = flat.reduce((bytes, {size}) => bytes + 4 * size, 0);
        expect(least, program.name).to.be.at.most(most);
        expect(everything, program.name).to.be.at.most(Math.min(least, inputs));
      }
    }),
  );
});

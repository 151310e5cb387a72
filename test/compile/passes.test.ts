import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import * as compile from '../../src/compile/index.js';
import {grad, makeFx, vmap} from '../../src/index.js';
import {tensorsOf} from '../../src/tree.js';
import {describeBackends} from '../backends.js';
import {programs} from './programs.js';
import {captured, evaluate, expectClose, kernelsOf, tidied, type F} from './support.js';

const passes: Readonly<Record<string, compile.Pass>> = {
  deadCode: compile.deadCode,
  commonSubexpressions: compile.commonSubexpressions,
  constantFolding: compile.constantFolding,
  algebraicSimplification: compile.algebraicSimplification,
  layoutSimplification: compile.layoutSimplification,
  sinkReshapes: compile.sinkReshapes,
  transposesIntoProducts: compile.transposesIntoProducts,
  optimize: compile.optimize,
};

/** Kernels before and after `optimize`. */
const counts: Readonly<Record<string, readonly [before: number, after: number]>> = {
  'Lennard-Jones forces': [40, 24],
  'a Lennard-Jones Hessian': [112, 55],
  'a MAML step': [104, 88],
  'per-example gradients of a CNN': [70, 51],
  'per-example gradients of an MLP': [41, 30],
  'the gradient of 100 scalar ops': [325, 323],
};

/** What a function is made of, before and after all passes. */
interface Case {
  readonly name: string;
  readonly f: F;
  readonly x: readonly number[] | readonly number[][];
  readonly left: readonly string[];
}

const constant = (...values: number[]): tf.Tensor => tf.tensor1d(values);

const cases: readonly Case[] = [
  {name: 'x + 0 and 0 + x', f: (x) => tf.add(0, tf.add(x, constant(0, 0))), x: [1, NaN], left: []},
  {name: 'x - 0', f: (x) => tf.sub(x, 0), x: [1, -Infinity], left: []},
  {name: 'x·1 and x / 1', f: (x) => tf.div(tf.mul(1, x), 1), x: [1, NaN], left: []},
  {name: 'x¹', f: (x) => tf.pow(x, 1), x: [1, 2], left: []},
  {name: 'x²', f: (x) => tf.pow(x, 2), x: [-3, 2], left: ['Square']},
  {name: '-(-x)', f: (x) => tf.neg(tf.neg(x)), x: [1, -2], left: []},
  {name: 'x + (-y)', f: (x) => tf.add(x, tf.neg(tf.exp(x))), x: [1, 2], left: ['Exp', 'Sub']},
  {name: '(-x)·2', f: (x) => tf.mul(tf.neg(x), 2), x: [1, 2], left: ['Multiply']},
  {
    name: '|-x| and (-x)²',
    f: (x) => tf.abs(tf.neg(tf.square(tf.neg(x)))),
    x: [1, 2],
    left: ['Square', 'Abs'],
  },
  {
    name: 'but x·0, which is no zero for infinities',
    f: (x) => tf.mul(x, 0),
    x: [Infinity, NaN],
    left: ['Multiply'],
  },
  {
    name: 'but 0 + x where it repeats x',
    f: (x) => tf.add(tf.zeros([2, 2]), x),
    x: [1, 2],
    left: ['Add'],
  },
  {
    name: 'two transposes',
    f: (x) => tf.transpose(tf.transpose(x)),
    x: [
      [1, 2],
      [3, 4],
    ],
    left: [],
  },
  {name: 'a transpose of a row', f: (x) => tf.transpose(x), x: [[1, 2]], left: ['Reshape']},
  {
    name: 'reshapes, wherever they are between elementwise kernels',
    f: (x) => tf.reshape(tf.sin(tf.reshape(tf.expandDims(x, 0), [2, 1])), [2]),
    x: [1, 2],
    left: ['Sin'],
  },
  {name: 'a sum of single elements', f: (x) => tf.sum(tf.expandDims(x, 1), 1), x: [1, 2], left: []},
  {name: 'a cast to the same dtype', f: (x) => tf.cast(x, 'float32'), x: [1, 2], left: []},
  {
    name: 'repeating before a product',
    f: (x) => tf.mul(tf.tile(tf.slice(x, [0, 0], [1, 2]), [2, 1]), x),
    x: [
      [1, 2],
      [3, 4],
    ],
    left: ['Slice', 'Multiply'],
  },
  {
    name: 'the same computed twice',
    f: (x) => tf.mul(tf.sin(tf.add(x, 2)), tf.exp(tf.sin(tf.add(x, 2)))),
    x: [1, 2],
    left: ['Add', 'Sin', 'Exp', 'Multiply'],
  },
  {
    name: 'what depends on constants alone',
    f: (x) => tf.add(x, tf.square(tf.zerosLike(x).cast('bool').cast('float32').mul(0).add(3))),
    x: [1, 2],
    left: ['Add'],
  },
];

const vector = (...values: number[]): tf.Tensor => tf.tensor1d(values);

describeBackends('passes', () => {
  for (const program of programs) {
    for (const [name, pass] of Object.entries(passes)) {
      it(
        `${name} leaves the values of ${program.name} as they are`,
        tidied((own) => {
          const {graph, args, expected} = captured(program);
          own(graph);
          const before = JSON.stringify(graph);
          const passed = own(graph.apply(pass));
          expect(JSON.stringify(graph)).to.equal(before);
          passed.graph.lint();
          expect(passed.graph.kernels.length).to.be.at.most(graph.graph.kernels.length);
          expectClose(passed(...args), expected, program.tolerance);
          const outputs = evaluate(passed.graph, passed.code, tensorsOf(args));
          expectClose(outputs, tensorsOf(expected), program.tolerance);
        }),
      );
    }
  }

  for (const {name, f, x, left} of cases) {
    it(
      `remove ${name}`,
      tidied((own) => {
        const input = tf.tensor(x as number[]);
        const graph = own(makeFx(f)(input));
        const small = own(graph.apply(compile.optimize));
        expect(kernelsOf(small.graph)).to.deep.equal(left);
        expectClose(small(input), f(input));
      }),
    );
  }

  it(
    'fold transposes into products',
    tidied((own) => {
      const f = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(tf.transpose(a), tf.transpose(b));
      const [a, b] = [tf.randomNormal([3, 2]), tf.randomNormal([4, 3])];
      const folded = own(own(makeFx(f)(a, b)).apply(compile.optimize));
      expect(kernelsOf(folded.graph)).to.deep.equal(['BatchMatMul']);
      expectClose(folded(a, b), f(a, b));
    }),
  );

  it(
    'leave derivatives as they are',
    tidied((own) => {
      for (const program of programs) {
        const {graph, args, expected} = captured(program);
        own(graph);
        const small = own(graph.apply(compile.optimize));
        const total =
          (f: (...args: unknown[]) => unknown) =>
          (x: unknown): tf.Tensor =>
            tf.addN(tensorsOf(f(x, ...args.slice(1))).map((y) => tf.sum(tf.sin(y))));
        expect(tensorsOf(expected).length).to.be.greaterThan(0);
        expectClose(grad(total(small))(args[0]), grad(total(graph))(args[0]), 1e-3);
      }
    }),
  );

  it(
    'run inside transforms',
    tidied((own) => {
      const scale = vector(1, 1);
      const f: F = (x) => {
        const graph = makeFx((x: tf.Tensor) => tf.mul(tf.add(x, 0), tf.add(scale, scale)))(x);
        const small = graph.apply(compile.optimize);
        const y = small(x);
        own(graph);
        own(small);
        return tf.sum(y);
      };
      expectClose(vmap(grad(f))(tf.tensor2d([[1, 2]])), tf.tensor2d([[2, 2]]));
    }),
  );

  it(
    'make known graphs smaller',
    tidied((own) => {
      // Rules choose kernels by backend.
      if (tf.getBackend() !== 'cpu') return;
      const measured = programs.map((program) => {
        const {graph} = captured(program);
        own(graph);
        const sizes = [graph.graph, own(graph.apply(compile.optimize)).graph].map(
          ({kernels}) => kernels.length,
        );
        return [program.name, sizes];
      });
      expect(Object.fromEntries(measured)).to.deep.equal(counts);
    }),
  );
});

import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import * as compile from '../../src/compile/index.js';
import {grad, makeFunctionalWithBuffers, makeFx} from '../../src/index.js';
import {tensorsOf} from '../../src/tree.js';
import {describeBackends} from '../backends.js';
import {programs} from './programs.js';
import {captured, expectClose, expectError, kernelsOf, tidied} from './support.js';

describeBackends('aotModule', () => {
  it(
    'is the model, trained by optimizers and differentiated by transforms',
    tidied((own) => {
      const layers = [
        tf.layers.dense({units: 3, inputShape: [2], activation: 'tanh', name: 'hidden'}),
        tf.layers.dense({units: 1, name: 'out'}),
      ];
      const model = tf.sequential({layers});
      own(model as unknown as {dispose(): void});
      const compiled = own(compile.aotModule(model));
      const x = tf.tensor2d([
        [1, 2],
        [3, -1],
      ]);
      expectClose(compiled(x), model.apply(x));
      const loss = (apply: (x: tf.Tensor) => unknown) => () =>
        tf.mean(tf.square(apply(x) as tf.Tensor)) as tf.Scalar;
      const expected = tf.variableGrads(loss((x) => model.apply(x)));
      const actual = tf.variableGrads(loss(compiled));
      expectClose(actual, expected);
      const optimizer = tf.train.sgd(0.1);
      const [first, second] = [0, 1].map(() => optimizer.minimize(loss(compiled), true)!);
      expect(second!.dataSync()[0]).to.be.lessThan(first!.dataSync()[0]!);
      optimizer.dispose();
      expectClose(compiled(x), model.apply(x));
      const [f, params, buffers] = makeFunctionalWithBuffers(model);
      const total = (p: typeof params) => tf.sum(compiled.functional(p, buffers, x)[0]);
      expectClose(
        grad(total)(params),
        grad((p: typeof params) => tf.sum(f(p, buffers, x)))(params),
      );
      expect(compiled.functional.cache.misses).to.equal(1);
    }),
  );

  it(
    'assigns new values to buffers, as training does',
    tidied((own) => {
      const make = () =>
        own(
          tf.sequential({
            layers: [tf.layers.batchNormalization({inputShape: [1], momentum: 0.5})],
          }) as unknown as {dispose(): void},
        ) as unknown as tf.Sequential;
      const [model, plain] = [make(), make()];
      const compiled = own(compile.aotModule(model));
      const x = tf.tensor2d([[1], [3]]);
      for (let i = 0; i < 2; i++) {
        expectClose(compiled(x, {training: true}), plain.apply(x, {training: true}));
      }
      expectClose(compiled(x), plain.apply(x));
      const state = (model: tf.Sequential) => model.weights.map((weight) => weight.read());
      expectClose(state(model), state(plain));
      expect(compiled.functional.cache).to.deep.equal({hits: 1, misses: 2, size: 2});
    }),
  );
});

describeBackends('drawGraph', () => {
  const f = (x: tf.Tensor) => tf.mul(tf.split(tf.sin(x), 2)[0]!, [2, 3]);

  it('gives an SVG with all nodes', async () => {
    const x = tf.ones([4]);
    const graph = makeFx(f)(x);
    const svg = await compile.drawGraph(graph.graph);
    expect(svg).to.match(/^<\?xml[^]*<svg[^]*<\/svg>\s*$/);
    for (const text of ['input: x0', 'Sin: sin', 'SplitV', 'Multiply', 'constant', 'output 0']) {
      expect(svg).to.include(text);
    }
    graph.dispose();
    x.dispose();
  });

  it('names the package that is missing', async () => {
    const graph = new compile.Graph();
    const missing = () => Promise.reject(new Error('Cannot find package'));
    let thrown: unknown;
    await compile.drawGraph(graph, missing).catch((error: unknown) => (thrown = error));
    expect(String(thrown)).to.match(/'@hpcc-js\/wasm-graphviz'.*can't be loaded/);
    expect(thrown).to.have.property('code', 'missing-package');
  });
});

describeBackends('minifier', () => {
  const has =
    (...wanted: string[]) =>
    (graph: compile.Graph): boolean =>
      wanted.every((kernel) => kernelsOf(graph).includes(kernel));

  for (const program of programs) {
    it(
      `finds the failing kernel of ${program.name}`,
      tidied((own) => {
        const {graph: whole, args} = captured(program);
        const graph = own(own(whole).apply(compile.deadCode));
        const kernels = kernelsOf(graph.graph);
        const wanted = kernels[kernels.length >> 1]!;
        const inputs = tensorsOf(args);
        const small = compile.minifier(graph.graph, inputs, has(wanted));
        own(small.graph);
        small.graph.lint();
        expect(kernelsOf(small.graph)).to.deep.equal([wanted]);
        const fromWhole = new compile.Interpreter(small.graph).run(small.inputs);
        expect(fromWhole.length).to.be.greaterThan(0);
      }),
    );
  }

  it(
    'keeps what fails together only, with the values that it met',
    tidied((own) => {
      const f = (x: tf.Tensor) => {
        const y = tf.exp(tf.tan(tf.sin(x)));
        return [tf.neg(y), tf.square(tf.cos(y))];
      };
      const x = tf.scalar(0.5);
      const graph = own(makeFx(f)(x));
      const before = tf.memory().numTensors;
      const small = compile.minifier(graph.graph, [x], has('Tan', 'Cos'));
      expect(kernelsOf(small.graph)).to.deep.equal(['Tan', 'Exp', 'Cos']);
      expectClose(small.inputs, [tf.sin(x)]);
      expect(tf.memory().numTensors).to.equal(before + 2);
      own(small.graph);
    }),
  );

  it('refuses a graph that does not fail', () => {
    const x = tf.scalar(1);
    const graph = makeFx(tf.sin<tf.Tensor>)(x);
    expectError('invalid-argument', /the graph does not fail/, () =>
      compile.minifier(graph.graph, [x], () => false),
    );
    graph.dispose();
    x.dispose();
  });
});

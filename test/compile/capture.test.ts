import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {fromJSON} from '../../src/compile/index.js';
import {
  customVjp,
  functionalCall,
  grad,
  jacrev,
  jvp,
  makeFx,
  stopGradient,
  vmap,
} from '../../src/index.js';
import {tensorsOf} from '../../src/tree.js';
import {describeBackends} from '../backends.js';
import {programs} from './programs.js';
import {
  captured,
  evaluate,
  expectClose,
  expectError,
  kernelsOf,
  tidied,
  type F,
} from './support.js';

const sum: F = (x) => tf.sum(x);
const vector = (...values: number[]): tf.Tensor => tf.tensor1d(values);

describeBackends('makeFx', () => {
  for (const program of programs) {
    it(
      `captures ${program.name}: graph, text and JSON compute the same`,
      tidied((own) => {
        const {graph, args, expected} = captured(program);
        own(graph);
        graph.graph.lint();
        expectClose(graph(...args), expected);
        const outputs = evaluate(graph.graph, graph.code, tensorsOf(args));
        expectClose(outputs, tensorsOf(expected));
        const text = JSON.stringify(graph);
        const again = own(fromJSON<unknown[], unknown>(JSON.parse(text) as never));
        expect(JSON.stringify(again)).to.equal(text);
        expectClose(again(...args), expected);
      }),
    );
  }

  it(
    'gives readable text',
    tidied((own) => {
      const f = (x: tf.Tensor, w: tf.Tensor) => tf.relu(tf.add(tf.matMul(x, w), 1));
      const graph = own(makeFx(f)(tf.ones([2, 3]), tf.ones([3, 4])));
      expect(graph.code).to.equal(
        [
          '(tf, inputs, constants) => {',
          '  const run = (kernel, inputs, attrs) => tf.engine().runKernel(kernel, inputs, attrs);',
          '  const [x0, x1] = inputs;  // float32 [2, 3], float32 [3, 4]',
          '  const batchMatMul = tf.matMul(x0, x1, false, false);  // float32 [2, 4]',
          "  const constant = tf.tensor([1], [], 'float32');  // float32 []",
          '  const add = tf.add(batchMatMul, constant);  // float32 [2, 4]',
          '  const relu = tf.relu(add);  // float32 [2, 4]',
          '  return [relu];',
          '}',
        ].join('\n'),
      );
    }),
  );

  it(
    'takes and gives trees, and other values as they are',
    tidied((own) => {
      const f = ({a, list}: {a: tf.Tensor; list: tf.Tensor[]}, factor: number) => ({
        scaled: list.map((x) => tf.mul(x, factor)),
        none: null,
        a,
      });
      const args: Parameters<typeof f> = [{a: vector(1), list: [vector(2), vector(3, 4)]}, 5];
      const graph = own(makeFx(f)(...args));
      const {a, none, scaled} = graph(...args);
      expect(none).to.equal(null);
      expectClose([a, ...scaled], [vector(1), vector(10), vector(15, 20)]);
      expect(a).not.to.equal(args[0].a);
      expectError('graph-mismatch', /arguments\[1\] is the number 6, but was the number 5/, () =>
        graph(args[0], 6),
      );
      expectError('graph-mismatch', /\[0\]\.a is float32 \[2\], but was float32 \[1\]/, () =>
        graph({...args[0], a: args[0].list[1]!}, 5),
      );
      expectError('graph-mismatch', /expected an array of length 2/, () =>
        graph({...args[0], list: []}, 5),
      );
    }),
  );

  it(
    'composes with every transform, inside and outside',
    tidied((own) => {
      const f: F = (x) => sum(tf.mul(tf.sin(x), tf.exp(x)));
      const x = vector(0.3, -0.7);
      const xs = tf.tensor2d([
        [0.3, -0.7],
        [1, 2],
      ]);
      const plain = own(makeFx(f)(x));
      expectClose(vmap(plain)(xs), vmap(f)(xs));
      expectClose(grad(plain)(x), grad(f)(x));
      expectClose(vmap(grad(plain))(xs), vmap(grad(f))(xs));
      expectClose(jacrev(grad(plain))(x), jacrev(grad(f))(x));
      expectClose(jvp(plain, [x], [x]), jvp(f, [x], [x]));
      expectClose(tf.grad(plain)(x), grad(f)(x));
      expectClose(own(makeFx(plain)(x))(x), f(x));
      const slopes = own(makeFx(vmap(grad(f)))(xs));
      expectClose(slopes(xs), vmap(grad(f))(xs));
      expectClose(
        grad((x: tf.Tensor) => sum(slopes(x)))(xs),
        grad((x: tf.Tensor) => sum(vmap(grad(f))(x)))(xs),
      );
      const inner = (x: tf.Tensor): tf.Tensor => {
        const graph = makeFx(f)(x);
        const y = graph(x);
        graph.dispose();
        return y;
      };
      expectClose(vmap(grad(inner))(xs), vmap(grad(f))(xs));
      const stock = (x: tf.Tensor) => tf.grad(f)(x);
      expectClose(own(makeFx(stock)(x))(x), grad(f)(x));
    }),
  );

  it(
    'lifts tensors of closures, each once',
    tidied((own) => {
      const w = vector(2, 3);
      const graph = own(makeFx((x: tf.Tensor) => tf.mul(tf.add(tf.mul(x, w), w), tf.exp(w)))(w));
      expect(graph.graph.constants.length).to.equal(2);
      const x = vector(5, 7);
      const expected = tf.mul(tf.add(tf.mul(x, w), w), tf.exp(w));
      w.dispose();
      expectClose(graph(x), expected);
    }),
  );

  it(
    'reads variables anew in each call, also what is computed from them alone',
    tidied((own) => {
      const w = own(tf.variable(vector(2, 3)));
      const unused = own(tf.variable(vector(1)));
      const f: F = (x) => tf.mul(x, tf.square(w));
      const graph = own(makeFx(f)(vector(1, 1)));
      expect(graph.graph.variables.map(({variable}) => variable)).to.deep.equal([w]);
      expect(unused.isDisposed).to.equal(false);
      expectClose(graph(vector(1, 1)), vector(4, 9));
      w.assign(vector(10, 1));
      expectClose(graph(vector(1, 2)), vector(100, 2));
      const {grads} = tf.variableGrads(() => tf.sum(graph(vector(1, 2))));
      expectClose(grads[w.name], vector(20, 4));
      expectClose(own(fromJSON(graph.toJSON()))(vector(1, 2)), vector(100, 2));
    }),
  );

  it(
    'captures models',
    tidied((own) => {
      const w = own(tf.variable(vector(2, 3)));
      const model = {apply: (x: tf.Tensor) => sum(tf.mul(x, w)), variables: {w}};
      const f = (w: tf.Tensor, x: tf.Tensor) => functionalCall(model, {w}, x);
      const graph = own(makeFx(grad(f))(vector(1, 1), vector(4, 5)));
      expect(graph.graph.variables).to.deep.equal([]);
      expectClose(graph(vector(1, 1), vector(6, 7)), vector(6, 7));
    }),
  );

  it(
    'keeps stopGradient, and uses custom gradients where it differentiates',
    tidied((own) => {
      const f: F = (x) => sum(tf.mul(x, stopGradient(tf.square(x))));
      const x = vector(2, 3);
      const graph = own(makeFx(f)(x));
      expectClose(grad(graph)(x), vector(4, 9));
      expectClose(evaluate(graph.graph, graph.code, [x]), [f(x)]);
      expectClose(tf.grad((x) => evaluate(graph.graph, graph.code, [x])[0]!)(x), vector(4, 9));
      const seven = customVjp(
        (x: tf.Tensor) => tf.square(x),
        (x: tf.Tensor) => [tf.square(x), null],
        () => [vector(7, 7)],
      );
      expectClose(own(makeFx(grad((x: tf.Tensor) => sum(seven(x))))(x))(x), vector(7, 7));
      expectClose(grad(own(makeFx((x: tf.Tensor) => sum(seven(x)))(x)))(x), vector(4, 6));
    }),
  );

  it(
    'takes integers, bools, complex numbers and kernels with several outputs',
    tidied((own) => {
      const f = (x: tf.Tensor, n: tf.Tensor, z: tf.Tensor) => {
        const [first, second] = tf.split(x, 2) as [tf.Tensor, tf.Tensor];
        const {values, indices} = tf.topk(x, 2);
        const parts = [tf.real(tf.mul(z, z)), tf.mul(z, tf.complex(2, 1))];
        return [
          tf.greater(first, second),
          tf.add(n, 1),
          values,
          indices,
          tf.gather(x, n),
          ...parts,
        ];
      };
      const args = [
        vector(3, 1, 2, 5),
        tf.tensor1d([0, 2], 'int32'),
        tf.complex([1], [2]),
      ] as const;
      const graph = own(makeFx(f)(...args));
      expectClose(graph(...args), f(...args));
      expectClose(own(fromJSON<tf.Tensor[], tf.Tensor[]>(graph.toJSON()))(...args), f(...args));
      expectClose(evaluate(graph.graph, graph.code, args), f(...args));
    }),
  );

  it(
    'writes and reads numbers that JSON has no form for',
    tidied((own) => {
      const f: F = (x) => tf.pad(tf.add(x, vector(NaN, -Infinity, -0)), [[1, 0]], -Infinity);
      const graph = own(makeFx(f)(vector(1, 2, -0)));
      const again = own(fromJSON(JSON.parse(JSON.stringify(graph)) as never));
      const [values] = [again(vector(1, 2, -0)).dataSync()];
      expect([...values]).to.deep.equal([-Infinity, NaN, -Infinity, -0]);
    }),
  );

  it('refuses what a graph would get wrong, and says why', () => {
    const x = vector(1, 2);
    const v = tf.variable(x);
    const refuse = (code: string, message: RegExp, f: F): void =>
      expectError(code, message, () => makeFx(f)(x));
    refuse('value-read', /the value of a captured tensor was read/, (x) =>
      (tf.sum(x).dataSync()[0] ?? 0) > 0 ? x : tf.neg(x),
    );
    refuse('value-read', /the value of a captured tensor was read/, (x) => tf.mul(x, v.dataSync()));
    refuse('value-read', /in makeFx → grad/, (x) =>
      grad((x: tf.Tensor) => tf.mul(sum(x), x.arraySync() as number[]).sum())(x),
    );
    refuse('randomness', /tf\.randomNormal was called/, (x) => tf.mul(x, tf.randomNormal([2])));
    refuse('randomness', /tf\.randomUniform was called/, (x) => tf.dropout(x, 0.5));
    refuse('randomness', /tf\.multinomial was called/, (x) =>
      tf.cast(tf.multinomial(x as tf.Tensor1D, 3), 'float32'),
    );
    refuse('side-effect', /the tf\.Variable '.*' is assigned/, (x) => {
      v.assign(x);
      return x;
    });
    refuse('side-effect', /the tf\.Variable '.*' is assigned/, (x) => {
      v.assign(tf.ones([2]));
      return x;
    });
    refuse('side-effect', /a tf\.Variable is made/, (x) => tf.mul(tf.variable(tf.ones([2])), x));
    refuse('value-dependent-shape', /kernel 'Unique'/, (x) => tf.unique(x).values);
    refuse('async-function', /promise/, (async (x: tf.Tensor) => x) as never);
    refuse('non-tensor-output', /returned the number 3/, (() => 3) as never);
    refuse('disposed-tensor', /disposed/, (x) => {
      const y = tf.neg(x);
      y.dispose();
      return y;
    });
    v.dispose();
    x.dispose();
  });

  it(
    'ends its tracers, be they kept or stored',
    tidied((own) => {
      const stored: tf.Tensor[] = [];
      const x = vector(1, 2);
      const graph = own(
        makeFx((x: tf.Tensor) => {
          stored.push(tf.keep(tf.neg(x)));
          return tf.square(x);
        })(x),
      );
      expectClose(graph(x), vector(1, 4));
      expectError('escaped-tracer', /after the makeFx that made it had returned/, () =>
        vmap((x: tf.Tensor) => tf.add(x, stored[0]!))(x),
      );
    }),
  );

  it(
    'takes no memory beside constants, and none for calls',
    tidied(() => {
      const x = vector(1, 2);
      const before = tf.memory().numTensors;
      const graph = makeFx(grad((x: tf.Tensor) => sum(tf.mul(tf.exp(x), x))))(x);
      expect(tf.memory().numTensors - before).to.equal(graph.graph.constants.length);
      const y = graph(x);
      expect(tf.memory().numTensors - before).to.equal(graph.graph.constants.length + 1);
      y.dispose();
      graph.dispose();
      expect(tf.memory().numTensors).to.equal(before);
      expectError('disposed-tensor', /the graph was disposed/, () => graph(x));
      expect(kernelsOf(graph.graph)).to.include('Exp');
    }),
  );
});
